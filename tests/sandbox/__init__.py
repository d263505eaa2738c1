"""Tests of the embedded sandbox."""
