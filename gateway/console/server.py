"""The console's HTTP server (aiohttp): sockets, routes, streams and files. What is on a page stands in the pages.

Every page needs somebody who is signed in, and every answer says how little a browser may do with it. Built by `gateway.app`.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import web

from gateway.console.calls import Answer, Call, CallRefused, Data, Goto, Page, Viewer
from gateway.console.doorway import Doorway, Provider
from gateway.console.exchange import MAX_FORM, Exchange, go
from gateway.console.live import PULSE_EVERY, Heard, TooManyStreams, Topic, Watchers
from gateway.console.protection import START, headers
from gateway.console.signing_in import Entrance
from gateway.errors import GatewayError
from gateway.identity.forwarding import Proxies
from gateway.identity.rates import NO_LIMIT, Rates
from gateway.telemetry import logger

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATIC = Path(__file__).parent / "static"
MAX_QUERY = 2_000
"""Characters of one parameter that a page gets to see."""
CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the console listens, and where browsers find it (`origin`, as they write it)."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    origin: str | None = None
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One page or form. A form changes something: it is sent with POST."""

    path: str
    answer: Answer
    is_form: bool = False


@dataclass(frozen=True, slots=True)
class Pages:
    """What the server serves. `waiting`: how many holds a viewer sees waiting, for the number beside the word."""

    routes: Sequence[Route]
    waiting: Callable[[Viewer], int] = field(default=lambda viewer: 0)


class ConsoleServer:
    """The console on one address."""

    def __init__(
        self,
        place: Place,
        pages: Pages,
        entrance: Entrance,
        watchers: Watchers,
        clock: Callable[[], int],
        provider: Provider | None = None,
        rates: Rates = NO_LIMIT,
    ) -> None:
        """`clock` is UTC nanoseconds. `rates`: how often each may ask."""
        self._rates = rates
        self._place = place
        self._pages = pages
        self._entrance = entrance
        self._watchers = watchers
        self._clock = clock
        self._files = read_static()
        self._exchange = Exchange(
            *(lambda: self.origin, entrance, pages.waiting, self._files.version, Proxies(place.trusted_proxies))
        )
        self._doorway = Doorway(self._exchange, entrance, provider)
        self._runner: web.AppRunner | None = None
        self.port = place.port

    def application(self) -> web.Application:
        """Every route there is; docs/openapi/console.yaml describes each."""
        app = web.Application(client_max_size=MAX_FORM, middlewares=[self._guarded])
        app.on_response_prepare.append(self._add_headers)
        app.router.add_get("/", _to_start)
        app.router.add_get("/events", self._events)
        app.router.add_get("/static/{name}", self._static)
        self._doorway.add_to(app)
        for route in self._pages.routes:
            app.router.add_route("POST" if route.is_form else "GET", route.path, self._answering(route))
        return app

    async def start(self) -> None:
        """Bind and serve. Raises OSError."""
        app = self.application()
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._place.host, self._place.port, ssl_context=self._place.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self, seconds: float) -> None:
        """Take no new calls, end the streams, let what runs finish."""
        self._watchers.end()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await asyncio.wait_for(runner.cleanup(), max(seconds, 0.1) + 10)
        self._exchange.close()

    @property
    def origin(self) -> str:
        """Where browsers find the console."""
        scheme = "http" if self._place.tls is None else "https"
        return (self._place.origin or f"{scheme}://{self._place.host}:{self.port}").rstrip("/")

    # --- every answer -----------------------------------------------------------------------------------------------

    @web.middleware
    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except CallRefused as error:
            return await self._refused(request, error)
        except GatewayError as error:
            logger("console").error("a page could not be made", code=error.code)
            text = f"The gateway says: {error}."
            return await self._refused(request, CallRefused(503, "This cannot be done at the moment", text))
        except web.HTTPNotFound:
            text = "The address leads nowhere. Begin with the holds."
            return await self._refused(request, CallRefused(404, "There is nothing here", text))
        except web.HTTPMethodNotAllowed as error:
            text = "Go back and use the buttons of the page."
            answer = await self._refused(request, CallRefused(405, "That is not how this is asked", text))
            answer.headers["Allow"] = error.headers.get("Allow", "GET")
            return answer
        except web.HTTPRequestEntityTooLarge:
            return await self._refused(request, CallRefused(413, "That is too much", "A reason has 2,000 characters."))

    async def _add_headers(self, request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers.update(headers(is_secure=self._exchange.is_secure))
        answer.headers.setdefault("Cache-Control", "no-store")

    async def _refused(self, request: web.Request, error: CallRefused) -> web.Response:
        fields = {"title": error.title, "text": str(error), "status": error.status}
        answer = await self._exchange.show(Page("refused.html", fields, error.status), None, request)
        if error.wait:
            answer.headers["Retry-After"] = str(error.wait)
        return answer

    def _answering(self, route: Route) -> _Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            viewer = await self._exchange.viewer(request)
            if viewer is None:
                return await self._doorway.stranger(request, is_form=route.is_form)
            over = self._rates.take(viewer.name)
            if over is not None:
                text = f"You ask too often. Wait {over.seconds} s, then load the page again."
                raise CallRefused(429, "Too many requests", text, over.seconds)
            form = await self._exchange.form(request, viewer.session.facts.csrf) if route.is_form else {}
            query = {name: value[:MAX_QUERY] for name, value in request.query.items()}
            call = Call(viewer, self._clock(), dict(request.match_info), query, form)
            reply = await self._exchange.run(partial(route.answer, call))
            if isinstance(reply, Data):
                return web.Response(body=reply.body, content_type="application/json")
            return go(reply.place) if isinstance(reply, Goto) else await self._exchange.show(reply, viewer, request)

        return handler

    # --- streams and files ------------------------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        viewer = await self._exchange.viewer(request)
        if viewer is None:
            raise CallRefused(403, "You are not signed in", "Sign in again.")
        topic = request.query.get("topic", "")
        if topic not in list(Topic):
            raise CallRefused(404, "There is no such stream", "Load the page again.")
        try:
            stream = self._watchers.open(Topic(topic), viewer.session.name)
        except TooManyStreams:
            raise CallRefused(429, "Too many pages are open", "Close some of them.") from None
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        with stream:
            try:
                await answer.prepare(request)
                await answer.write(b"retry: 2000\n\nevent: change\ndata: begun\n\n")
                clock, looked_at = asyncio.get_running_loop().time, 0.0
                while (heard := await stream.next()) is not Heard.END:
                    if heard is Heard.PULSE or clock() - looked_at > PULSE_EVERY:
                        if await self._exchange.viewer(request) is None:
                            break
                        looked_at = clock()
                    is_change = heard is Heard.CHANGE
                    await answer.write(b"event: change\ndata: changed\n\n" if is_change else b": still here\n\n")
            except ConnectionError:
                return answer  # WHY: whoever watched has gone
        return answer

    async def _static(self, request: web.Request) -> web.StreamResponse:
        found = self._files.named.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        body, kind = found
        is_this = request.query.get("v") == self._files.version
        kept = "public, max-age=31536000, immutable" if is_this else "no-cache"
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": kept})


@dataclass(frozen=True, slots=True)
class Files:
    """The script, the style and the picture, by their names; `version` changes with any of them."""

    named: Mapping[str, tuple[bytes, str]]
    version: str


def read_static() -> Files:
    """WHY all of them at the start: a name that is asked for is looked up here, and never leads into a folder."""
    named = {
        path.name: (path.read_bytes(), CONTENT_TYPES[path.suffix])
        for path in sorted(STATIC.iterdir())
        if path.suffix in CONTENT_TYPES
    }
    digest = hashlib.sha256(b"".join(body for body, _ in named.values())).hexdigest()
    return Files(named, digest[:16])


async def _to_start(request: web.Request) -> web.StreamResponse:
    return go(START)
