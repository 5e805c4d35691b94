"""HTTP/2 of clients: one connection that carries many requests, each handed on as HTTP/1.1 to a session of its own. Pure.

`connection` is the whole, `frames` and `floods` look before the library does, `heads` writes a request anew.
"""

from adapters.web.http2.connection import Http2

__all__ = ["Http2"]
