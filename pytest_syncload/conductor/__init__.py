"""Runs the phases once and in order, keeps the run folder, emits events. Knows no pytest."""
