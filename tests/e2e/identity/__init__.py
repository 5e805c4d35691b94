"""Identity end to end, before a real OpenID provider."""
