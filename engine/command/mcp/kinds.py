"""What the words of an MCP message mean: kinds, features, steps of `via`; and which method is of which kind.

Policies are checked against these tables, and `docs/commands.md` is written from them.
"""

from __future__ import annotations

from engine.command.http import kinds as http
from engine.command.tree import Effect
from engine.command.words import Kind

KINDS: tuple[Kind, ...] = (
    Kind("unknown", Effect.UNKNOWN, "A message that is refused or not understood, or a method nobody knows"),
    Kind("initialize", Effect.SESSION, "Opens a session; targets are the capabilities that the client offers"),
    Kind("ping", Effect.SESSION, "Asks whether the other side is there"),
    Kind("notice", Effect.SESSION, "A notification of the client: ready, progress, a request taken back"),
    Kind("set_log_level", Effect.SESSION, "Which of its log the server sends"),
    Kind("listen", Effect.READ, "Opens the stream of what the server says by itself (GET)"),
    Kind("end_session", Effect.SESSION, "Ends the session (DELETE)"),
    Kind("list_tools", Effect.READ, "Lists the tools"),
    Kind(
        "call_tool", Effect.EXECUTE, "Calls a tool; the target is the tool, its arguments stand in `mcp` of the command"
    ),
    Kind("list_resources", Effect.READ, "Lists resources, or templates of them"),
    Kind("read_resource", Effect.READ, "Reads a resource; the target is its URI"),
    Kind("subscribe", Effect.SESSION, "Wants to be told when a resource changes, or no longer; the target is its URI"),
    Kind("list_prompts", Effect.READ, "Lists prompts"),
    Kind("get_prompt", Effect.READ, "Has a prompt filled in; the target is the prompt"),
    Kind("complete", Effect.READ, "Asks for completions of an argument"),
    Kind("reply", Effect.WRITE, "Answers a request of the server: what a model or a person said to it"),
)

KIND_NAMES: frozenset[str] = frozenset(kind.name for kind in KINDS)
EFFECTS: dict[str, Effect] = {kind.name: kind.effect for kind in KINDS}

REQUESTS: dict[str, str] = {
    "initialize": "initialize",
    "ping": "ping",
    "logging/setLevel": "set_log_level",
    "tools/list": "list_tools",
    "tools/call": "call_tool",
    "resources/list": "list_resources",
    "resources/templates/list": "list_resources",
    "resources/read": "read_resource",
    "resources/subscribe": "subscribe",
    "resources/unsubscribe": "subscribe",
    "prompts/list": "list_prompts",
    "prompts/get": "get_prompt",
    "completion/complete": "complete",
}
"""The kind of each request that is known."""

NOTICES: frozenset[str] = frozenset(
    {
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
    }
)

TRANSPORT: dict[str, str] = {"GET": "listen", "DELETE": "end_session"}
"""What is asked for without a message."""

PARAMETERS: dict[str, frozenset[str]] = {
    "tools/call": frozenset({"name", "arguments", "_meta"}),
    "resources/read": frozenset({"uri", "_meta"}),
    "resources/subscribe": frozenset({"uri", "_meta"}),
    "resources/unsubscribe": frozenset({"uri", "_meta"}),
    "prompts/get": frozenset({"name", "arguments", "_meta"}),
}
"""The parameters that a request may have, where one that nobody here knows would change what is done (a `task` is answered
later, elsewhere)."""

FEATURES: dict[str, str] = {
    **{
        name: http.FEATURES[name]
        for name in ("names_deletion", "opaque_body", "url_to_internal", "url_value", "dotdot_value")
    },
    "opaque_body": "some arguments were too many or too long to be listed",
    "offers_sampling": "the client offers to ask its model for the server",
}

VIA: dict[str, str] = {"top": "the message itself"}
