"""Python source as a command: what a program would import, call and touch."""
