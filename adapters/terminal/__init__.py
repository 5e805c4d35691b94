"""The guarded shell's terminal, shared by protocols: keys, a line editor, the discipline of lines while a command runs. Pure."""
