"""Generated values that several property tests use."""
