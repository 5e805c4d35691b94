"""MCP as `adapters.web.session` speaks it: one message a request, judged by itself, answered in JSON-RPC."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from adapters.core.ports import Answer, Target
from adapters.mcp import facts, refusals
from adapters.mcp.masking import Hiding, plan_of
from adapters.mcp.refusals import Voice
from adapters.mcp.replies import McpReply
from adapters.mcp.sessions import Book
from adapters.web import facts as web
from adapters.web.requests import Forward
from adapters.web.session.conversation import Conversation
from adapters.web.session.exchange import Exchange
from adapters.web.session.manners import Caller, HandedOver, Plan, Refusals, Replying, Successor, Unfit
from adapters.web.session.settings import Settings
from engine.command.documents.refusal import Refused
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest


class McpManners:
    """What is particular to MCP. No body goes on unread, nothing is upgraded. `book` is the listener's."""

    protocol = "mcp"
    credentials = "authorization"
    refusals: Refusals = refusals
    max_body = facts.MAX_BODY

    def __init__(self, book: Book) -> None:
        self._book = book

    def check(self, head: WireRequest) -> None:
        """Refuse what a request asks of this hop and is not done here. Raises Refused."""
        if head.version != "1.1":
            raise Refused("http_version", "MCP is spoken over HTTP/1.1: answers come in pieces")
        web.check_hop(head)

    def forward(self, head: WireRequest, where: Where, target: Target, caller: Caller) -> Forward:
        """The request as it goes on. Raises Refused."""
        return facts.forward(head, where, target, caller, self._book)

    def readable(self, forward: Forward, body: bytes | None, target: Target | None = None) -> tuple[Forward, bytes]:
        """The message, without what the client may not offer to this server. Raises Refused."""
        return forward, facts.readable(forward, body, facts.server_of(target))

    def saying(self, forward: Forward, body: bytes, caller: Caller) -> Refusals:
        """Answers with the message's number. A call that is taken back by this message runs no more, whatever people say."""
        message = facts.message_of(forward, body)
        if message is None:
            return refusals
        place, session, book = facts.place_of(forward), facts.session_of(forward), self._book
        if message.method == "notifications/cancelled":
            book.take_back(place, session, message.params.get("requestId"), caller.login)
        return Voice(
            message,
            waits=lambda: book.wait(place, session, message.id, caller.login),
            is_taken_back=lambda: book.is_taken_back(place, session, message.id, caller.login),
        )

    def text(self, exchange: Exchange, body: bytes) -> bytes:
        """The message alone: everything around it is the transport's, and ours."""
        assert exchange.forward is not None
        return facts.text_of(exchange.forward, body)

    def sent_beside(self, target: Target, caller: Caller) -> Sequence[tuple[str, str]]:
        """The gateway's credential. Raises LocalProtocolError for one that cannot stand in a header."""
        return web.credential(target)

    def plan(
        self, forward: Forward, answer: Answer, target: Target | None = None, say: Refusals | None = None
    ) -> Plan | Unfit:
        """What is hidden in the answer, or why a message does not go on whatever the policies say."""
        if answer.command is None or answer.command.command.protocol != "mcp":
            return Unfit(403, "UNREAD", "nobody could say what this message does")
        if isinstance(say, Voice) and say.is_taken_back:
            return Unfit(403, "TAKEN_BACK", "the client took the call back while it waited")
        command = answer.command.command
        if any(one.kind == "unknown" for one in command.operations) or not command.operations:
            why = command.problems[0].message if command.problems else "nobody knows what this message does"
            return Unfit(403, "UNREAD", why)
        tool = "" if command.mcp is None else command.mcp.tool
        is_pinned = bool(tool) and facts.server_of(target).approved is not None
        if is_pinned and not self._book.is_as_approved(facts.place_of(forward), tool):
            why = f"the tool `{tool}` is not as it was approved, or was not listed yet: list the tools"
            return Unfit(403, "TOOL_NOT_APPROVED", why)
        plan = plan_of(answer, command.operations[0].kind)
        return Unfit(403, "MASK_UNPROVEN", plan) if isinstance(plan, str) else plan

    def reply(self, exchange: Exchange, target: Target, caller: Caller, *, closes: bool) -> Replying:
        """The server's messages, each looked at."""
        forward, answer = exchange.forward, exchange.answer
        assert forward is not None
        assert answer is not None
        assert answer.command is not None
        place, session, book = facts.place_of(forward), facts.session_of(forward), self._book
        return McpReply(
            facts.message_of(forward, b"".join(exchange.read)),
            exchange.say if isinstance(exchange.say, Voice) else None,
            answer.decision_id,
            method=forward.method,
            server=facts.server_of(target),
            hiding=Hiding(exchange.plan, answer.command.command.operations[0].kind),
            secrets=web.secrets_of(target),
            opened=lambda begun: book.open(place, begun, caller.login),
            saw_tools=lambda names, is_first: book.saw_tools(place, names, is_first=is_first),
            ended=lambda: book.end(place, session or ""),
            closes=closes,
            tap=exchange.tap,
        )

    def keeps_for(self, target: Target, caller: Caller) -> Hashable | None:
        """With nobody's: what is asked of a server changes things."""
        return None

    def patience(self, forward: Forward, seconds: float) -> float | None:
        """How long nothing may come from the server; the stream of GET may be silent for ever."""
        return None if forward.method == "GET" else seconds

    def successor(self, asked: HandedOver, caller: Caller) -> Successor | None:
        """Nobody: upgrades were refused before."""
        return None

    def carrier(self, exchange: Exchange, target: Target, caller: Caller, rest: bytes) -> Successor | None:
        """Nobody: upgrades were refused before."""
        return None


def mcp_session(settings: Settings, book: Book) -> Conversation:
    """One client's connection."""
    return Conversation(McpManners(book), settings)
