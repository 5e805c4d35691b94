"""An issuer on a socket of this machine whose key is the tests': so that a token can be wrong in any way and signed truly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.request import Json
from gateway.identity.oidc.metadata import WELL_KNOWN
from tests.issuers import RSA, jwk, token


@dataclass(frozen=True, slots=True)
class Signing:
    """Where it is."""

    issuer: str

    def claims(self, **changes: Json) -> dict[str, Json]:
        """What a good token of alice says now, with changes; None leaves one out."""
        now = int(time.time())
        good: dict[str, Json] = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": "sallyport",
            "iat": now - 5,
            "exp": now + 600,
            "groups": ["dba"],
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def access_token(self, **changes: Json) -> str:
        """One as RFC 9068 has them, truly signed."""
        return token(self.claims(**changes), RSA, {"typ": "at+jwt"})

    def signed(self, said: Mapping[str, Json], header: Mapping[str, Json] | None = None) -> str:
        return token(said, RSA, header)


@contextmanager
def signing() -> Iterator[Signing]:
    """It, as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            base = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]  # a TCP server has one
            documents = {
                WELL_KNOWN: {"issuer": base, "jwks_uri": f"{base}/jwks"},
                "/jwks": {"keys": [jwk(RSA)]},
            }
            body = json.dumps(documents[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Signing(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
