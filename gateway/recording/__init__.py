"""Recordings of terminals and commands: written while they run, encrypted, proven by the audit. See docs/recordings.md."""
