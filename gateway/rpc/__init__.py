"""The gRPC face: `sallyport.decision.v1`, `sallyport.approval.v1`, `sallyport.audit.v1`, health, reflection.

`server.py` serves, `codec.py` alone turns messages into the engine's types and back, `ports.py` says what is needed from
the gate, `client.py` is the Python client that the command line uses too. Nothing here decides anything.
"""
