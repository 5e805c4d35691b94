"""Messages to the engine's types and back; nothing else in Sallyport knows protobuf's messages.

`questions` reads what callers ask, `answers` writes what they get, `commands` has the command tree both ways, `tickets`
held commands, `values` JSON. Readers check everything and raise `CallRefused`; the `client` uses the same files the
other way round.
"""
