"""The HTTP server of the faces (aiohttp): sockets, tokens and routes; what is said stands in `opa` and `authzen`.

Every call but `/health` and AuthZEN's page brings the token of somebody the configuration knows. Runs in the gateway's loop; what is asked is
answered in a few threads. Built by `app`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from gateway.errors import AuditUnavailable
from gateway.faces import authzen, opa
from gateway.faces import tokens as counter
from gateway.faces.asking import MAX_BODY, Caller, CallRefused, Desk, Reply
from gateway.faces.tokens import TokenCounter
from gateway.identity import rates
from gateway.identity.forwarding import HEADER, Proxies
from gateway.identity.logins import Login
from gateway.identity.people import People
from gateway.identity.proofs import TOLD
from gateway.identity.rates import NO_LIMIT, Rates
from gateway.identity.signed import looks_signed
from gateway.identity.throttle import Throttle
from gateway.telemetry import logger
from gateway.tracing import trace_in_metadata

EXAMINERS = 4
"""Threads that look into signed tokens."""
ANSWERERS = 4
"""Threads that answer: what is asked may wait for the store, and a long call must not hold up the sessions of the loop."""
AT_ONCE = 2
"""Calls of one caller that are answered at once; more of theirs wait, so that nobody takes all threads."""
_Handler = Callable[[web.Request], Awaitable[web.Response]]
_Refusal = Callable[[CallRefused], Reply]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the faces listen. Without `tls` on loopback only: the configuration sees to it."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    trusted_proxies: tuple[str, ...] = ()


class FaceServer:
    """OPA REST and AuthZEN on one address."""

    def __init__(
        self,
        place: Place,
        desk: Desk,
        people: Callable[[], People],
        troubles: Callable[[], Sequence[str]],
        clock: Callable[[], float],
        tokens: TokenCounter | None = None,
        is_traced: bool = False,
        limits: Rates = NO_LIMIT,
    ) -> None:
        """`people` are those known now; `troubles` say, without waiting, why no work can be done; `clock` is seconds. `tokens`: signed ones count.

        `is_traced`: what callers say of traces of theirs is read. `limits`: how often each may ask.
        """
        self._tokens = tokens
        self._is_traced, self._rates = is_traced, limits
        # WHY a pool of their own: who brings tokens of a slow issuer must not hold up what else waits on threads.
        self._examining = ThreadPoolExecutor(EXAMINERS, "faces-examine")
        self._answering_in = ThreadPoolExecutor(ANSWERERS, "faces-answer")
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._place, self._proxies = place, Proxies(place.trusted_proxies)
        self._desk = desk
        self._people = people
        self._troubles = troubles
        self._clock = clock
        self._throttle = Throttle()
        self._runner: web.AppRunner | None = None
        self.host, self.port = place.host, place.port

    def application(self) -> web.Application:
        """Every route there is; docs/openapi/faces.yaml describes each."""
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/health", self._health)
        app.router.add_get(authzen.CONFIGURATION, self._configuration)
        app.router.add_post(authzen.EVALUATION, self._answering(authzen.evaluate, authzen.refusal))
        app.router.add_post(authzen.EVALUATIONS, self._answering(authzen.evaluate_all, authzen.refusal))
        app.router.add_get("/v1/policies", self._answering(_no_policies, opa.refusal))
        app.router.add_get("/v1/policies/", self._answering(_no_policies, opa.refusal))
        # INVARIANT: a path with an end of line in it is one of these too, and not aiohttp's to answer: `.` alone has none.
        app.router.add_post("/v1/data{path:(?s:/.*)?}", self._opa)
        if self._tokens is not None:
            tokens = self._tokens
            app.router.add_get(counter.SIGN_IN, self._sign_in)
            app.router.add_get(
                counter.WHO, self._answering(lambda raw, caller, desk: tokens.who(caller), counter.refusal)
            )
            app.router.add_post(
                counter.TOKENS, self._answering(lambda raw, caller, desk: tokens.issue(raw, caller), counter.refusal)
            )
            app.router.add_get(
                counter.TOKENS, self._answering(lambda raw, caller, desk: tokens.alive(caller), counter.refusal)
            )
            app.router.add_post(
                counter.REVOKE, self._answering(lambda raw, caller, desk: tokens.revoke(raw, caller), counter.refusal)
            )
        for method in ("PUT", "PATCH", "DELETE"):
            app.router.add_route(method, "/v1/{rest:(?s:.*)}", self._answering(_read_only, opa.refusal))
        return app

    async def start(self) -> None:
        """Bind and serve. Raises OSError."""
        self._runner = web.AppRunner(self.application(), access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._place.host, self._place.port, ssl_context=self._place.tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self, seconds: float) -> None:
        """Take no new calls; let those that run finish."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await asyncio.wait_for(runner.cleanup(), max(seconds, 0.1) + 60)
        self._answering_in.shutdown(wait=False)

    async def _health(self, request: web.Request) -> web.Response:
        troubles = list(self._troubles())
        return _written(Reply(500, {"error": "; ".join(troubles)}) if troubles else Reply(200, {}), request)

    async def _configuration(self, request: web.Request) -> web.Response:
        return _written(authzen.configuration(f"{request.scheme}://{request.host}"), request)

    async def _sign_in(self, request: web.Request) -> web.Response:
        assert self._tokens is not None
        return _written(self._tokens.sign_in(), request)

    async def _opa(self, request: web.Request) -> web.Response:
        path = [part for part in request.match_info["path"].split("/") if part]
        return await self._answer(request, lambda raw, caller, desk: opa.query(path, raw, caller, desk), opa.refusal)

    def _answering(self, ask: Callable[[bytes, Caller, Desk], Reply], refuse: _Refusal) -> _Handler:
        async def handler(request: web.Request) -> web.Response:
            return await self._answer(request, ask, refuse)

        return handler

    async def _answer(
        self, request: web.Request, ask: Callable[[bytes, Caller, Desk], Reply], refuse: _Refusal
    ) -> web.Response:
        """INVARIANT: whatever goes wrong is an error of HTTP, never a yes."""
        caller: Caller | None = None
        try:
            caller = await self._caller(request)
            if self._is_traced:
                trace = trace_in_metadata(request.headers.items())
                caller = replace(caller, trace=trace and trace.trusted(caller.speaks_for_others))
            over = None if "adapter" in caller.roles else self._rates.take(caller.principal.name)
            if over is not None:
                raise CallRefused(429, rates.CODE, rates.TOLD, over)
            # WHY before the body is read: calls that wait for their turn hold no megabytes.
            async with self._turns.setdefault(caller.principal.name, asyncio.Semaphore(AT_ONCE)):
                try:
                    raw = await request.read()
                except web.HTTPRequestEntityTooLarge:
                    raise CallRefused(413, "TOO_LARGE", f"the call has more than {MAX_BODY} bytes") from None
                loop = asyncio.get_running_loop()
                reply, body = await loop.run_in_executor(self._answering_in, _asked, ask, raw, caller, self._desk)
            return _sent(reply, body, request)
        except CallRefused as error:
            try:
                if error.over is None or error.over.is_told:
                    self._desk.refused(caller, request.path[:200], error)
            except AuditUnavailable:
                logger("faces").error("a refused call could not be recorded", code=error.code)
                return _written(refuse(CallRefused(503, "AUDIT_UNAVAILABLE", "this cannot be recorded")), request)
            answer = _written(refuse(error), request)
            if error.over is not None:
                answer.headers["Retry-After"] = str(error.over.seconds)
            return answer

    async def _caller(self, request: web.Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        if self._tokens is not None and looks_signed(token):
            tokens = self._tokens
            login = await asyncio.get_running_loop().run_in_executor(self._examining, tokens.examine, token)
            if isinstance(login, Login):
                return Caller(login.principal, frozenset(login.roles), login, address=self._address(request))
            if login.is_fault:
                raise CallRefused(503, login.code, login.refusal.message)
            raise self._unknown(request, login.code if login.refusal.code == TOLD else "", login.refusal.message)
        people = self._people()
        name = people.owner_of(token)
        found = None if name is None else people.find(name)
        if found is None:
            raise self._unknown(request)
        return Caller(found.principal, frozenset(found.roles), address=self._address(request))

    def _address(self, request: web.Request) -> str | None:
        """Where a caller is."""
        return self._proxies.client(request.remote, request.headers.getall(HEADER, []))

    def _unknown(self, request: web.Request, code: str = "", told: str = "") -> CallRefused:
        """The refusal of who proved nothing, counted. `code` and `told` are for who has a token that was signed for them."""
        address, now = self._address(request), self._clock()
        if self._throttle.must_wait("", address, now):
            return CallRefused(429, "TOO_MANY_LOGINS", "too many wrong tokens from here; wait a minute")
        self._throttle.failed("", address, now)
        if code:
            return CallRefused(401, code, told)
        return CallRefused(401, "CALLER_UNKNOWN", "a valid token is needed: `Authorization: Bearer TOKEN`")


def _no_policies(raw: bytes, caller: Caller, desk: Desk) -> Reply:
    """The list of policies that were put in through this face: there are none, and never will be."""
    return Reply(200, {"result": []})


def _read_only(raw: bytes, caller: Caller, desk: Desk) -> Reply:
    raise CallRefused(403, "NOT_PERMITTED", "policies and data come from where the gateway takes them, not from here")


def _asked(ask: Callable[[bytes, Caller, Desk], Reply], raw: bytes, caller: Caller, desk: Desk) -> tuple[Reply, bytes]:
    """The reply and its bytes. Raises CallRefused."""
    reply = ask(raw, caller, desk)
    return reply, msgspec.json.encode(reply.document)


def _written(reply: Reply, request: web.Request) -> web.Response:
    return _sent(reply, msgspec.json.encode(reply.document), request)


def _sent(reply: Reply, body: bytes, request: web.Request) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if reply.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="sallyport"'
    known = request.headers.get("X-Request-ID", "")
    if known.isascii() and known.isprintable() and 0 < len(known) <= 128:
        headers["X-Request-ID"] = known
    return web.Response(status=reply.status, body=body, content_type="application/json", headers=headers)
