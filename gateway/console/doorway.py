"""Coming in and going out: the form for a name and a secret, the way over an OpenID provider, signing out.

INVARIANT: whoever signs in gets a value nobody has seen before, whatever their browser brought; where to go on to is a place of
ours. Called by `server`; proofs are looked at by `signing_in` and `gateway.identity`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote

from aiohttp import web

from gateway.console.calls import CallRefused, Page
from gateway.console.exchange import Exchange, go
from gateway.console.protection import START, own_place
from gateway.console.signing_in import Begun, Entrance, NotSignedIn
from gateway.errors import IdentityRefused
from gateway.identity.oidc.login import CodeFlow, seal, unseal
from gateway.telemetry import logger

FORM_SECONDS = 3_600
FLOW_SECONDS = 600
MAX_LINK = 2_000
"""Characters of what a link carries."""
BACK = "/callback"
"""Where a provider sends browsers; registered there."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An OpenID provider. `key` seals what a browser keeps meanwhile."""

    name: str
    flow: CodeFlow
    key: bytes = field(repr=False)


class Doorway:
    """The handlers of signing in and out."""

    def __init__(self, exchange: Exchange, entrance: Entrance, provider: Provider | None) -> None:
        self._exchange = exchange
        self._entrance = entrance
        self._provider = provider

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/sign-in", self._page)
        app.router.add_post("/sign-in", self._by_secret)
        app.router.add_get("/sign-in/link", self._link_page)
        app.router.add_post("/sign-in/link", self._by_link)
        app.router.add_get("/sign-in/with", self._to_provider)
        app.router.add_get(BACK, self._from_provider)
        app.router.add_post("/sign-out", self._sign_out)

    async def stranger(self, request: web.Request, *, is_form: bool) -> web.StreamResponse:
        """What somebody gets who asks for a page without being signed in."""
        if is_form:
            raise CallRefused(403, "You are not signed in", "Nothing was done. Sign in and do it again.")
        place = own_place(request.path_qs)
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            # WHY: a browser keeps our cookie from a link on another site. From a page of ours it sends it.
            return await self._exchange.show(Page("onward.html", {"place": place}), None, request)
        return go(f"/sign-in?next={quote(place, safe='')}")

    # --- with a secret ----------------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        place = own_place(request.query.get("next"))
        if await self._exchange.viewer(request) is not None:
            return go(place)
        return await self._form(request, place, "", 200)

    async def _form(self, request: web.Request, place: str, problem: str, status: int) -> web.Response:
        # WHY a token before anybody is known: else another site could sign a browser in as somebody of its choice.
        token = secrets.token_urlsafe(32)
        fields = {
            "csrf": token,
            "next": place,
            "problem": problem,
            "is_secure": self._exchange.is_secure,
            "provider": None if self._provider is None else self._provider.name,
            "with_link": f"/sign-in/with?next={quote(place, safe='')}",
        }
        answer = await self._exchange.show(Page("sign_in.html", fields, status), None, request)
        self._exchange.set_cookie(answer, self._exchange.form_cookie, token, max_age=FORM_SECONDS)
        return answer

    async def _by_secret(self, request: web.Request) -> web.StreamResponse:
        token = request.cookies.get(self._exchange.form_cookie, "")
        if not token:
            return await self._form(request, START, "Your browser kept no cookie. Try once more.", 403)
        form = await self._exchange.form(request, token)
        place, name, secret = own_place(form.get("next")), form.get("name", ""), form.get("secret", "")
        try:
            begun = await self._exchange.run(
                partial(self._entrance.by_secret, name, secret, self._exchange.address(request))
            )
        except NotSignedIn as error:
            return await self._form(request, place, str(error), 403)
        return await self._begin(request, begun, place)

    # --- with a link ------------------------------------------------------------------------------------------------

    async def _link_page(self, request: web.Request) -> web.StreamResponse:
        # WHY a button: whatever looks at links before people do must not use them up.
        token = secrets.token_urlsafe(32)
        fields = {"csrf": token, "token": request.query.get("token", "")[:MAX_LINK]}
        answer = await self._exchange.show(Page("link.html", fields), None, request)
        self._exchange.set_cookie(answer, self._exchange.form_cookie, token, max_age=FORM_SECONDS)
        return answer

    async def _by_link(self, request: web.Request) -> web.StreamResponse:
        token = request.cookies.get(self._exchange.form_cookie, "")
        if not token:
            return await self._form(request, START, "Your browser kept no cookie. Open the link once more.", 403)
        form = await self._exchange.form(request, token)
        work = partial(self._entrance.by_link, form.get("token", "")[:MAX_LINK], self._exchange.address(request))
        try:
            begun = await self._exchange.run(work)
        except NotSignedIn as error:
            return await self._form(request, START, str(error), 403)
        return await self._begin(request, begun, START)

    async def _begin(self, request: web.Request, begun: Begun, place: str) -> web.Response:
        await self._end(request)
        answer = go(place)
        self._exchange.set_cookie(answer, self._exchange.session_cookie, begun.value)
        self._exchange.drop_cookie(answer, self._exchange.form_cookie)
        return answer

    # --- over a provider --------------------------------------------------------------------------------------------

    @property
    def _flow_cookie(self) -> str:
        return "__Secure-sallyport-flow" if self._exchange.is_secure else "sallyport-flow"

    async def _to_provider(self, request: web.Request) -> web.StreamResponse:
        provider = self._known_provider()
        place = own_place(request.query.get("next"))
        try:
            url, pending = await provider.flow.begin(self._exchange.origin + BACK, place)
        except IdentityRefused as error:
            logger("console").warning("the provider cannot be asked", provider=provider.name, code=error.code)
            return await self._form(request, place, f"{provider.name} cannot be asked at the moment.", 503)
        answer = go(url)
        # WHY Lax: the provider's page is another site, and sends the browser back with a plain link.
        answer.set_cookie(
            self._flow_cookie,
            seal(pending, provider.key),
            path=BACK,
            max_age=FLOW_SECONDS,
            secure=self._exchange.is_secure,
            httponly=True,
            samesite="Lax",
        )
        return answer

    async def _from_provider(self, request: web.Request) -> web.StreamResponse:
        provider = self._known_provider()
        pending = unseal(request.cookies.get(self._flow_cookie, ""), provider.key)
        answer: web.Response
        try:
            if pending is None:
                raise IdentityRefused("this browser did not begin to sign in", code="LOGIN_STATE")
            identity = await provider.flow.finish(pending, list(request.query.items()))
            begun = await self._exchange.run(
                partial(self._entrance.by_identity, identity, self._exchange.address(request))
            )
            answer = await self._begin(request, begun, own_place(pending.return_to))
        except IdentityRefused as error:
            await self._exchange.run(partial(self._entrance.refused, error.code, self._exchange.address(request)))
            problem = f"{provider.name} did not prove who you are: {error}. Begin again."
            answer = await self._form(request, START, problem, 403)
        answer.del_cookie(self._flow_cookie, path=BACK, secure=self._exchange.is_secure, httponly=True, samesite="Lax")
        return answer

    def _known_provider(self) -> Provider:
        if self._provider is None:
            raise CallRefused(404, "There is nothing here", "No provider is configured to sign in with.")
        return self._provider

    # --- out --------------------------------------------------------------------------------------------------------

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        viewer = await self._exchange.viewer(request)
        if viewer is not None:
            await self._exchange.form(request, viewer.session.facts.csrf)
            await self._end(request)
        answer = go("/sign-in")
        self._exchange.drop_cookie(answer, self._exchange.session_cookie)
        return answer

    async def _end(self, request: web.Request) -> None:
        """End the session that this browser had."""
        viewer = await self._exchange.viewer(request)
        if viewer is not None:
            await self._exchange.run(partial(self._entrance.end, viewer.session))
