"""HTTP/2 of clients: one connection that carries many requests, each handed on as HTTP/1.1 to a session of its own. Pure.

`connection` is what both ways have in common, `inward` to clients, `outward` to targets; `frames` and `floods` look before the library does, `heads` writes a request anew.
"""

from adapters.web.http2.inward import Inward

__all__ = ["Inward"]
