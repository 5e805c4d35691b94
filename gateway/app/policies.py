"""The engine as this program uses it: compiling a folder for the gate, and what the services read of texts.

Called by `assembly`. Not here: files (`policy_store`), decisions (`gate`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from adapters.core.ports import Question
from engine import CommandReader, compile_policies
from engine.command.sql.parse import read_catalog
from engine.command.tree import ParsedCommand
from engine.evaluator.reader import Names
from engine.request import Json, Principal, Request, Resource, Session
from engine.source import Source
from gateway.asked import Asked
from gateway.judge import Judge
from gateway.rpc.ports import RuleTrace


def compile_judge(sources: Sequence[Source], data: Mapping[str, Json], reader: CommandReader) -> Judge:
    """Compiled policies as the gate asks them. Raises PolicyRefused, NativeFailure."""
    program = compile_policies(sources, data, reader=reader)
    command = reader.read("http", b"GET / HTTP/1.1\r\nhost: nowhere\r\n\r\n", None)
    program.warm(Request(Principal("nobody"), Session("none"), Resource("nothing", "http"), command, 0))
    return Judge(program)


class EngineTexts:
    """What the services need of the engine beside a decision (`gateway.rpc.gate_ports.Texts`)."""

    def __init__(self, reader: CommandReader, current: Callable[[], Judge | None]) -> None:
        self._reader = reader
        self._current = current

    def parse(self, question: Question) -> ParsedCommand:
        """The command tree of a text."""
        # WHY a cast: a catalog is opaque to callers; the reader refuses what is none.
        return self._reader.read(question.protocol, question.text, cast("Names | None", question.catalog))

    def names(self, search_path: Sequence[str], relations: Mapping[str, Sequence[str]]) -> object:
        """A handle for `Question.catalog`. Raises InputInvalid."""
        columns = {name: list(found) for name, found in relations.items()}
        return read_catalog({"search_path": list(search_path), "relations": columns})

    def explain(self, asked: Asked) -> Sequence[RuleTrace]:
        """Every candidate rule and what became of it; nothing without policies."""
        judge = self._current()
        return [] if judge is None else judge.explain(asked, time.time_ns())
