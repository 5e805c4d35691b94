"""What we ask about a request to the API server: what of it goes on, as whom, and which upgrade it wants.

INVARIANT: who somebody is at the target is the gateway's to say. Nothing a client sends about that goes on: headers that
do not stand in `_KEPT` end here, impersonation and an authenticating proxy's headers are refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from urllib.parse import quote

from adapters.core.ports import Answer, Target
from adapters.errors import LocalProtocolError
from adapters.kubernetes.screens import Screen, SpdyScreen, WebSocketScreen
from adapters.kubernetes.talks import CHANNELS, FORWARDING, SpdyTalk, Talk, WebSocketTalk
from adapters.web import facts
from adapters.web.requests import Forward
from adapters.web.session.manners import Caller, Unfit
from engine.command.documents.refusal import Refused
from engine.command.http.path import canonical_query, parse_query
from engine.command.http.target import Where
from engine.command.http.wire import WireRequest
from engine.command.kubernetes.kinds import SHELL_HEADER
from engine.command.kubernetes.lines import STEP
from engine.command.kubernetes.protobuf import MEDIA, read_protobuf
from engine.command.kubernetes.request_info import Info, is_set, request_info

_KEPT = frozenset(
    {
        *("accept", "content-type", "user-agent", "kubectl-command", "kubectl-session", "if-none-match"),
        *("if-modified-since", "cache-control", "accept-encoding"),
    }
)
_BINARY = ("vnd.kubernetes.protobuf", "cbor")
"""What is no readable object. The schema of the API itself comes in another kind of protobuf, and has to."""
_RESERVED = "system:"
"""What names of the cluster's own begin with; nobody is let in as one of them."""
_MAX_NAME = 512
SHELLS = frozenset({"bash", "sh"})
"""Shells in whose place a guarded one is given."""
_SHELL_OPTIONS = frozenset({"-i", "-l", "--login", "-il", "-li", "--noprofile", "--norc"})
"""What may stand behind one: nothing that says what it runs."""
_SHELL_FOLDERS = frozenset({"/bin", "/usr/bin", "/usr/local/bin"})
"""Where a shell is what its name says. WHY no others: a file that somebody called `bash` would run each line that was read as bash's."""
_RAW_WORDS = ["env", "SALLYPORT_SHELL=raw"]
"""What stands before a shell that is to be one of the container's own; over SSH a variable says the same."""
MAX_TARGET = 19_000
"""Bytes of the target of an exec of ours; longer ones nobody reads (`engine.command.kubernetes.parse`)."""
UPGRADED = frozenset({"exec", "attach", "portforward"})


class Transport(StrEnum):
    """What a connection is upgraded to."""

    WEBSOCKET = "websocket"
    SPDY = "SPDY/3.1"


class Shell(StrEnum):
    """Which shell an exec on a terminal is to be."""

    GUARDED = "guarded"
    """The gateway's own: each line is an exec by itself."""
    RAW = "raw"
    """The container's: recorded, judged by nobody."""


def check(head: WireRequest) -> None:
    """Refuse what a request asks of this hop and is not done here. Raises Refused."""
    facts.check_hop(head, may_upgrade=True)
    upgrade = head.value("upgrade")
    if upgrade is None:
        if any("upgrade" in value.lower() for value in head.values("connection")):
            raise Refused("upgrade_refused", "the connection is to be upgraded, and nothing says to what")
        return
    if _transport(upgrade) is None:
        raise Refused("upgrade_refused", "the connection is upgraded to WebSocket or SPDY/3.1, to nothing else")
    if head.values("transfer-encoding") or head.value("content-length") not in (None, "0"):
        raise Refused("upgrade_refused", "a request for an upgrade has no body")


def transport_of(head: WireRequest) -> Transport | None:
    """What a request that passed `check` wants its connection to become."""
    return _transport(head.value("upgrade") or "")


def _transport(value: str) -> Transport | None:
    return next((one for one in Transport if one.value.lower() == value.lower()), None)


def forward(head: WireRequest, where: Where, target: Target) -> Forward:
    """The request as it goes on. Raises Refused, for every path that the API server would read in another way too."""
    for name, _ in head.headers:
        if name.startswith("impersonate-"):
            raise Refused("impersonation", f"the header `{name[:60]}`: who you are is the gateway's to say")
        if name.startswith("x-remote-"):
            raise Refused("identity_header", f"the header `{name[:60]}` is one that only an authenticating proxy sets")
    made = facts.forward(head, where, target)
    info = info_of(made)
    if transport_of(head) is not None and (info.resource, info.subresource) not in {("pods", one) for one in UPGRADED}:
        raise Refused("upgrade_refused", "only exec, attach and port-forward of a pod are upgraded")
    is_upgraded = transport_of(head) is not None
    if is_upgraded:
        talk_of(head, made)
    kept = [(name, value) for name, value in made.headers if name in _KEPT and name != "accept"]
    if not is_upgraded:
        kept.append(("accept", _accepted(head.values("accept"))))
    return replace(made, headers=tuple(kept))


def _accepted(values: Sequence[str]) -> str:
    """The types of answers that go on. WHY no objects in binary: what cannot be read cannot be masked, and a verdict comes later."""
    ranges = [one.strip() for value in values for one in value.split(",")]
    kept = [one for one in ranges if one and not any(word in one.lower() for word in _BINARY)]
    return ", ".join(kept) or "application/json"


def shell_asked(request: Forward) -> Shell | None:
    """Which shell an exec asks for that has nothing but a shell to run, on a terminal; None for every other request.

    WHY a terminal that is attached to is raw: what runs there has begun already, and nobody stands between it and what is typed.
    """
    query = query_of(request)
    argv = list(query.get("command", ()))
    is_typed = is_set(query.get("stdin")) and is_set(query.get("tty")) and is_set(query.get("stdout"))
    subresource = info_of(request).subresource
    if subresource != "exec" or not is_typed:
        return Shell.RAW if subresource == "attach" and is_typed else None
    kind = Shell.RAW if argv[:2] == _RAW_WORDS else Shell.GUARDED
    words = argv[2:] if kind is Shell.RAW else argv
    if not words or words[0].rpartition("/")[2] not in SHELLS or not set(words[1:]) <= _SHELL_OPTIONS:
        return None
    return kind


def is_typed(request: Forward) -> bool:
    """Whether somebody types on a terminal of it."""
    query = query_of(request)
    is_run = info_of(request).subresource in ("exec", "attach")
    return is_run and is_set(query.get("stdin")) and is_set(query.get("tty"))


def asking_for(request: Forward, shell: Shell) -> Forward:
    """The request as it is judged: which shell it is to be stands in it, in a word that no client can send."""
    return replace(request, headers=(*request.headers, (SHELL_HEADER, shell.value)))


def shells_of(request: Forward, usual: str) -> tuple[str, str | None]:
    """The bash that runs the lines of a guarded shell, the one that was named by its path or the usual one; and the `sh` that does where there is
    none, unless it was bash that was asked for. A path outside the folders of programs names neither."""
    word = (query_of(request).get("command") or ("",))[0]
    folder, _, name = word.rpartition("/")
    is_named = folder in _SHELL_FOLDERS
    if name == "bash":
        return (word if is_named else usual), None
    return usual, word if is_named else "/bin/sh"


def exec_of(request: Forward, argv: Sequence[str]) -> Forward:
    """An exec of other words in the same container, without a terminal; its streams are carried."""
    path, container = request.target.partition("?")[0], query_of(request).get("container", ())
    pairs = [*(("command", word) for word in argv), *(("container", name) for name in container[:1])]
    pairs += [(name, "true") for name in ("stderr", "stdin", "stdout")]
    query = canonical_query("&".join(f"{name}={quote(value, safe='')}" for name, value in pairs))
    return replace(request, method="GET", target=f"{path}?{query}")


def in_json(request: Forward, body: bytes) -> tuple[Forward, bytes]:
    """The request with its body in JSON, where it came in protobuf: kubectl's own clients send nothing else. Raises Refused."""
    types = [value.partition(";")[0].strip().lower() for name, value in request.headers if name == "content-type"]
    if types != [MEDIA] or not body:
        return request, body
    made = json.dumps(read_protobuf(body), ensure_ascii=False, allow_nan=False).encode()
    others = [(name, value) for name, value in request.headers if name != "content-type"]
    return replace(request, headers=(*others, ("content-type", "application/json"))), made


def talk_of(head: WireRequest, request: Forward) -> Talk:
    """How a client whose connection is upgraded is spoken to. Raises Refused where it offers nothing that is carried."""
    is_forwarding = info_of(request).subresource == "portforward"
    has_stderr = is_set(query_of(request).get("stderr"))
    if transport_of(head) is Transport.WEBSOCKET:
        return WebSocketTalk(head, FORWARDING if is_forwarding else CHANNELS, has_stderr=has_stderr)
    return SpdyTalk(head, SpdyTalk.FORWARDING if is_forwarding else SpdyTalk.VERSIONS, has_stderr=has_stderr)


def screen_of(head: WireRequest) -> Screen:
    """The terminal of a client whose connection is upgraded."""
    return WebSocketScreen() if transport_of(head) is Transport.WEBSOCKET else SpdyScreen()


def info_of(request: Forward) -> Info:
    """What a request is about. Raises Refused."""
    path, _, query = request.target.partition("?")
    return request_info(request.method, path, parse_query(query))


def query_of(request: Forward) -> dict[str, tuple[str, ...]]:
    """The parameters of a request. Raises Refused."""
    return parse_query(request.target.partition("?")[2])


def is_endless(request: Forward) -> bool:
    """Whether the answer may rightly stay silent for long: a watch, or logs that are followed."""
    query = query_of(request)
    return info_of(request).verb == "watch" or is_set(query.get("watch")) or is_set(query.get("follow"))


def is_terminal(request: Forward) -> bool:
    """Whether a command is given a terminal."""
    return is_set(query_of(request).get("tty"))


def sent_beside(target: Target, caller: Caller) -> list[tuple[str, str]]:
    """The gateway's credential and who it speaks for. Raises LocalProtocolError for what cannot stand in a header."""
    who = [("impersonate-user", target.user or caller.name)]
    if not target.user:
        who += [("impersonate-group", group) for group in caller.groups]
    for header, value in who:
        if not value.isascii() or not value.isprintable() or not 0 < len(value.strip()) == len(value) <= _MAX_NAME:
            raise LocalProtocolError(f"`{header}` cannot carry the name of who asks", code="identity")
        if value.startswith(_RESERVED):
            raise LocalProtocolError("nobody is let in under a name of the cluster's own", code="identity")
    return [*facts.credential(target), *who]


def unfit_tree(answer: Answer) -> Unfit | None:
    """Why what was granted does not go on whatever the policies say: nobody read what it does, or can."""
    if answer.command is None:
        return Unfit(403, "UNREAD", "nobody could say what this request does")
    command = answer.command.command
    # What kubectl in a container would ask of some API server is no part of this request.
    asked = [one for one in command.operations if STEP not in one.via]
    if not asked or any(one.kind == "unknown" for one in asked):
        why = command.problems[0].message if command.problems else "nobody knows what this request does"
        return Unfit(400, "UNREAD", why)
    runs = [one for one in asked if one.kind in ("exec", "attach") and one.kubernetes is not None]
    if (
        any(one.kubernetes.stdin for one in runs if one.kubernetes)
        and "shell_text" in command.features
        and not command.complete
    ):
        # WHY: what somebody types into a shell comes after the verdict, and a terminal's bytes prove nothing of what runs.
        return Unfit(
            403, "INTERACTIVE", "a shell that reads what you type is not carried: give it the command, `-- sh -c '...'`"
        )
    return None
