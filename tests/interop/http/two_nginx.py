"""A real nginx that speaks HTTP/2 to us, with TLS or without, before a target; and the TLS of tests' targets."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.demo.certificates import loopback_certificate
from tests.interop.http.nginx import CONFIG, Nginx, nginx_over

OVER_TLS = "ssl http2;\n        ssl_certificate {folder}/target.crt; ssl_certificate_key {folder}/target.key;"
CLEAR = "http2;"
OVER_TLS_OLD = OVER_TLS.replace(" http2", "")


def certified(folder: Path) -> Path:
    """A certificate for targets on loopback, `target.crt` with `target.key` beside it."""
    made = loopback_certificate(datetime.datetime.now(datetime.UTC))
    (folder / "target.crt").write_bytes(made.certificate)
    (folder / "target.key").write_bytes(made.key)
    return folder / "target.crt"


def resource(http2: str, certificate: Path | None) -> str:
    """The lines of a `[[resource]]` whose target speaks HTTP/2."""
    tls = 'mode = "disable"' if certificate is None else f'ca_file = "{certificate}"'
    return f'http2 = "{http2}"\n[resource.tls]\n{tls}'


@contextmanager
def two_nginx(folder: Path, target: int, speaks: str = OVER_TLS, more: str = "") -> Iterator[Nginx]:
    """One whose log says the version of each request behind everything else."""
    certified(folder)
    # WHY nothing kept in files: they are in a folder that its workers cannot read.
    more = f"client_max_body_size 0; proxy_request_buffering off; proxy_max_temp_file_size 0;\n{more}"
    config = CONFIG.replace("listen 127.0.0.1:{port};", f"listen 127.0.0.1:{{port}} {speaks}\n{more}")
    config = config.replace("worker_connections 256", "worker_connections 4096")
    config = config.replace("$request_length'", "$request_length $server_protocol $connection'")
    with nginx_over(folder, target, config) as made:
        yield made
