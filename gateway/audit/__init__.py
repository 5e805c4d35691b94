"""What was asked and answered, written before the answer. `entry` is the shape, `log` writes, `read` reads, `redact` hides secrets."""
