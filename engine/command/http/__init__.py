"""HTTP: raw requests as operations, with what the body says where it can be read."""
