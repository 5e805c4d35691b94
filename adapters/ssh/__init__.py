"""SSH: clients are let in by their keys, each request of each channel is decided, what is granted runs on the target.

Both legs are asyncssh's. See docs/protocols/ssh.md.
"""
