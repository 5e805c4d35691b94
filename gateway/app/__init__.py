"""The composition root: builds everything from the configuration, connects it, runs it. Nowhere else are things connected.

What is in here is imported by its own module: who needs one part of it need not load every protocol.
"""
