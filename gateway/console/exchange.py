"""One exchange with a browser: who it is by its cookie, what its form says, the page it gets. No routes here.

INVARIANT: a form counts only with the token of its own session and from a page of ours; a page is made on a thread of the
console's own, so that neither the loop nor the gate's callers wait for it. Used by `server` and `doorway`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.console.calls import CallRefused, Page, Viewer
from gateway.console.protection import is_ours, is_same
from gateway.console.rendering import Renderer
from gateway.console.signing_in import Entrance
from gateway.identity.forwarding import HEADER, Proxies
from gateway.turns import short_turns

T = TypeVar("T")

MAX_FORM = 64 << 10
"""Bytes of a form: a reason of the longest kind, and room."""
MAX_FIELDS = 20
THREADS = 6
LIVE_HEADER = "X-Sallyport-Live"
"""A page that the script asks for again by itself: no click of a person."""


class Exchange:
    """How the console talks with browsers that find it at `origin` (as they write it)."""

    def __init__(
        self,
        origin: Callable[[], str],
        entrance: Entrance,
        waiting: Callable[[Viewer], int],
        version: str,
        proxies: Proxies,
    ) -> None:
        """`waiting`: how many holds a viewer sees waiting; `version` is that of the static files."""
        self._proxies = proxies
        self._origin = origin
        self._entrance = entrance
        self._waiting = waiting
        self._version = version
        self._renderer = Renderer()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="console")

    def close(self) -> None:
        """Make no more pages."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def origin(self) -> str:
        """Where browsers find us."""
        return self._origin()

    @property
    def is_secure(self) -> bool:
        """Whether they come over TLS."""
        return self.origin.startswith("https:")

    def address(self, request: web.Request) -> str | None:
        """Where a browser is."""
        return self._proxies.client(request.remote, request.headers.getall(HEADER, []))

    async def run(self, work: Callable[[], T]) -> T:
        """Do something that may wait, on a thread. Whoever decides commands meanwhile goes first."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(_briefly, work))

    # --- cookies ----------------------------------------------------------------------------------------------------

    @property
    def session_cookie(self) -> str:
        """The cookie of who is signed in. WHY the prefix: no other site of the domain can set one of that name."""
        return "__Host-sallyport" if self.is_secure else "sallyport"

    @property
    def form_cookie(self) -> str:
        """The cookie that belongs to the form for signing in."""
        return f"{self.session_cookie}-form"

    def set_cookie(self, answer: web.Response, name: str, value: str, max_age: int | None = None) -> None:
        """Give the browser something that only we get back, and never from another site's page."""
        answer.set_cookie(
            name, value, path="/", max_age=max_age, secure=self.is_secure, httponly=True, samesite="Strict"
        )

    def drop_cookie(self, answer: web.Response, name: str) -> None:
        """Take it away again."""
        answer.del_cookie(name, path="/", secure=self.is_secure, httponly=True, samesite="Strict")

    # --- who, what, and the answer ----------------------------------------------------------------------------------

    async def viewer(self, request: web.Request) -> Viewer | None:
        """Who asks; None when nobody is signed in."""
        value = request.cookies.get(self.session_cookie)
        if not value:
            return None
        is_click = LIVE_HEADER not in request.headers and request.path != "/events"
        return await self.run(partial(self._entrance.viewer, value, is_click=is_click))

    async def form(self, request: web.Request, token: str) -> Mapping[str, str]:
        """The fields of a form of ours. Raises CallRefused for what another site, or nobody's page, sent."""
        if not is_ours(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), self.origin):
            raise CallRefused(403, "This form is not from here", "Nothing was done. Open the console and do it there.")
        if request.content_type != "application/x-www-form-urlencoded":
            raise CallRefused(415, "This is no form of ours", "Nothing was done.")
        raw = await request.read()
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
        except ValueError:
            raise CallRefused(400, "This is no form of ours", "Nothing was done.") from None
        form = dict(pairs)
        if len(form) != len(pairs) or not is_same(form.get("csrf", ""), token):
            raise CallRefused(403, "This page is too old", "Nothing was done. Load it again and do it once more.")
        return form

    async def show(self, page: Page, viewer: Viewer | None, request: web.Request) -> web.Response:
        """A page as an answer."""
        count = 0 if viewer is None else await self.run(partial(self._waiting, viewer))
        fields = {
            **page.fields,
            "viewer": viewer,
            "here": request.path,
            "live": page.live,
            "version": self._version,
            "waiting_count": count,
        }
        text = await self.run(partial(self._renderer.render, page.template, fields))
        return web.Response(text=text, status=page.status, content_type="text/html", charset="utf-8")


def _briefly(work: Callable[[], T]) -> T:
    with short_turns():
        return work()


def go(place: str) -> web.Response:
    """Send a browser on to a place that we chose."""
    return web.Response(status=303, headers={"Location": place})
