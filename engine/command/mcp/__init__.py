"""The Model Context Protocol: one message of a client as a tree, with the tool it calls and the arguments it gives."""
