"""A real OpenID provider (npm oidc-provider, from the folder of tools) and a browser that signs in at it."""

from __future__ import annotations

import html
import http.cookiejar
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, urljoin, urlsplit

from gateway.demo.cluster import free_port


@dataclass(frozen=True, slots=True)
class Provider:
    """Where it is, and what only tests may ask of it."""

    issuer: str

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._tell("rotate")

    def forget(self) -> None:
        """Publish the newest key only."""
        self._tell("forget")

    def _tell(self, what: str) -> None:
        request = urllib.request.Request(f"{self.issuer}/tools/{what}", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            json.load(answer)


@contextmanager
def running(tools: Path, folder: Path) -> Iterator[Provider]:
    """One provider on a free port, as long as the block lasts."""
    run, port = folder / "run", free_port()
    users = tools / "oidc" / "users.json"
    _make_writable()
    subprocess.run(
        [str(tools / "oidc" / "start.sh"), str(run), str(port), str(users)],
        check=True,
        timeout=120,
        capture_output=True,
    )
    try:
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        subprocess.run([str(tools / "oidc" / "stop.sh"), str(run)], check=True, timeout=60, capture_output=True)


def _make_writable() -> None:
    """Let the script copy its program over the one of the start before: where the tools are read-only the copy is too, and only
    root writes over that."""
    own = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("SALLYPORT_TOOLS_CACHE") or f"{own}/sallyport-tools")
    for copy in cache.glob("oidc-*/provider.mjs"):
        if copy.stat().st_uid == os.getuid():
            copy.chmod(0o644)


class StopAt(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if "/callback?" in newurl:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # the stubs want an HTTPMessage


class Browser:
    """Follows redirects, keeps cookies, fills the provider's forms."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, StopAt())

    def sign_in(self, url: str, user: str) -> list[tuple[str, str]]:
        """Sign in and consent; the parameters of the redirect back, empty where there was none (device flow)."""
        url, page = self._go(url)
        for _ in range(8):
            form = re.search(r'<form[^>]*action="([^"]+)"', page)
            if form is None or "/callback?" in url:
                break
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
            if 'name="login"' in page:
                fields |= {"login": user, "password": "any"}
            if 'name="confirm"' in page:
                fields["confirm"] = "yes"
            url, page = self._go(urljoin(url, html.unescape(form[1])), fields)
        return parse_qsl(urlsplit(url).query) if "/callback?" in url else []

    def _go(self, url: str, form: Mapping[str, str] | None = None) -> tuple[str, str]:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with self._opener.open(url, data, timeout=20) as answer:
                return str(answer.url), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (302, 303):
                    return str(error.headers["Location"]), ""
                raise
