"""What protocols over HTTP/1.1 share: framing of bodies and answers, masking and scrubbing of what comes back. No I/O."""
