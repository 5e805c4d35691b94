"""Identities that somebody else vouches for (OpenID Connect): their tokens verified, people sent to sign in there."""
