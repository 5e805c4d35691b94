"""A browser's enemy: HTTP as somebody writes it who sends what no browser would."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urlsplit

from tests.e2e.console.house import House

COOKIE = "__Host-sallyport"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` are as they came, names in small letters."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    @property
    def csrf(self) -> str:
        return field_of(self.body, "csrf")


def field_of(body: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', body)
    return unescape(found[1]) if found else ""


def _connect(house: House) -> http.client.HTTPSConnection:
    place = urlsplit(house.url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(place.hostname or "", place.port, timeout=30, context=context)


@dataclass
class Raw:
    """One client with its cookies, and the headers that a browser sends with a form of the page's own."""

    house: House
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once; no redirect is followed."""
        sent = (
            {} if not self.cookies else {"Cookie": "; ".join(f"{key}={value}" for key, value in self.cookies.items())}
        )
        try:
            answer = self._once(method, path, body, {**sent, **(headers or {})})
        except (http.client.HTTPException, OSError):
            # WHY once more: a connection that was kept may have been closed meanwhile; a new one is not.
            self.house.kept.pop().close()
            answer = self._once(method, path, body, {**sent, **(headers or {})})
        self._keep(answer)
        return answer

    def _once(self, method: str, path: str, body: str | bytes | None, headers: Mapping[str, str]) -> Answer:
        if not self.house.kept:
            self.house.kept.append(_connect(self.house))
        connection = self.house.kept[0]
        connection.request(method, path, body, dict(headers))
        got = connection.getresponse()
        lines = [(name.lower(), value) for name, value in got.getheaders()]
        return Answer(got.status, lines, got.read().decode("utf-8", "replace"))

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """Send a form as a page of ours would."""
        own = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.house.url}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, urlencode(form), {**own, "Sec-Fetch-Site": "same-origin", **named})

    def sign_in(self, name: str, secret: str | None = None, place: str = "/holds") -> Answer:
        page = self.get("/sign-in")
        secret = self.house.secrets[name] if secret is None else secret
        return self.post("/sign-in", {"csrf": page.csrf, "name": name, "secret": secret, "next": place})

    def _keep(self, answer: Answer) -> None:
        for line in answer.all("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value and "Max-Age=0" not in line:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
