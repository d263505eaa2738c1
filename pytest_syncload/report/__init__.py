"""Verdicts and events → text. Pure: nothing here reads a file, a clock or a socket."""
