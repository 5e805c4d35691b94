"""Policies to a program: `stages.py` is the way from sources to the core's handle, `index.py` says what no index finds."""
