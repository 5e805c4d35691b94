"""Where our own face is asked about tokens and people: for the server, and for the command line, which loads nothing else of it."""

TOKENS = "/sallyport/v1/tokens"
REVOKE = "/sallyport/v1/tokens/revoke"
WHO = "/sallyport/v1/whoami"
SIGN_IN = "/sallyport/v1/sign-in"
