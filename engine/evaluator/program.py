"""A set of policies ready to decide: every question the gate, the services and the suites have goes through here.

`decide` takes a tree, `decide_text` a text; both answer with a decision, always: what cannot be judged is a deny with
its kind. The order of work: cache, parse, look whether the rules saw the same before, encode (`encode.py`), run the
candidates (`evaluate.py`), combine (`combine.py`). Nothing here knows the time or touches the disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec

from engine._native import NativeError
from engine.command.tree import ParsedCommand
from engine.compiler.gate_policies import GatePolicies
from engine.compiler.stages import CompiledPolicies
from engine.decision import Decision, DenyKind, Location
from engine.errors import InputInvalid
from engine.evaluator.cache import KEPT, KEPT_BYTES, Asker, DecisionCache, Judgement
from engine.evaluator.combine import combine, refusal
from engine.evaluator.encode import check_time, context_fields, encode, join_input
from engine.evaluator.evaluate import RuleEngine, read_results
from engine.evaluator.generations import Generations
from engine.evaluator.keys import Reads, reduced
from engine.evaluator.near_miss import NearMisses
from engine.evaluator.reader import CommandReader, Names
from engine.evaluator.results import Results, Rule
from engine.evaluator.sections import Sections
from engine.request import Approval, Json, Principal, Request, Resource, Session, quiet_activity

MEANINGS = 1024
MEANINGS_BYTES = 4 * 1024 * 1024
_REFUSED_BY_CORE = {"INPUT_INVALID": DenyKind.INPUT_INVALID, "TIMEOUT": DenyKind.TIMEOUT}


@dataclass(frozen=True, slots=True)
class TextQuestion:
    """One command as text. `names` says what the names in it mean; `approval` is there when a held one is decided again."""

    principal: Principal
    session: Session
    resource: Resource
    protocol: str
    text: bytes
    now: int
    names: Names | None = None
    context: Mapping[str, Json] = field(default_factory=dict)
    approval: Approval | None = None


class Program:
    """Compiled policies with their decision cache. Immutable to callers; may be used from many threads at once."""

    def __init__(
        self,
        core: RuleEngine,
        rules: Sequence[Rule],
        reads: Reads,
        revision: str,
        reader: CommandReader,
        gate: GatePolicies | None = None,
    ) -> None:
        self._core = core
        self._reads = reads
        self._reader = reader
        self._sections = Sections(reads)
        self._cache = DecisionCache()
        # WHY: different commands mostly make the same rules say the same.
        self._meanings: Generations[bytes, _Meaning] = Generations(MEANINGS, MEANINGS_BYTES)
        # What rules said of all that they can read of a request, whatever else its command says.
        self._parts: Generations[tuple[Asker, bytes], _Meaning] = Generations(KEPT, KEPT_BYTES)
        self._context_paths = reads.below("context")
        self._no_context = reduced(self._context_paths, {})
        self._keeps_shapes = not reads.literals
        self.reads_activity = reads.activity
        """Whether a rule may read `context.activity`: then it has to be in every request."""
        self.names_activity = reads.names_activity
        self.activity_numbers = reads.activity_numbers
        """Which of its numbers rules read; an empty name is all of them."""
        self.rules = tuple(rules)
        self.revision = revision
        self.gate = gate or GatePolicies()

    @classmethod
    def of(cls, compiled: CompiledPolicies, reader: CommandReader) -> Program:
        """The program of compiled policies; texts are parsed by `reader`."""
        rules = [
            Rule(rule.package.removeprefix("policies."), rule.kind, Location(rule.file, rule.line), code=rule.code)
            for rule in compiled.rules
        ]
        reads = Reads.of(path for rule in compiled.rules for path in rule.reads)
        return cls(compiled.core, rules, reads, compiled.revision, reader, compiled.gate)

    @property
    def reader(self) -> CommandReader:
        """Where texts are parsed; another program may share it."""
        return self._reader

    def decide(self, request: Request) -> Decision:
        """Decide on a tree."""
        try:
            check_time(request.now)
            keeps = request.approval is None
            asker = self._asker(request.principal, request.session, request.resource, request.context)
            found = self._cache.of_tree(asker, request.command) if keeps else None
            if found is None:
                _check_tree(request.command)
                found = self._judge(request)
                if keeps:
                    self._cache.keep_tree(asker, request.command, found)
            return found
        except InputInvalid as error:
            return refusal(DenyKind.INPUT_INVALID, str(error), self.revision)

    def decide_text(self, question: TextQuestion) -> Judgement:
        """Decide on a text; a repeated one, or one that differs in what no rule reads, is not parsed again."""
        try:
            check_time(question.now)
            if question.approval is not None:
                request = self.as_request(question)
                _outline(request.command)
                return Judgement(self._judge(request), request.command)
            return self._known(question)
        except InputInvalid as error:
            return Judgement(refusal(DenyKind.INPUT_INVALID, str(error), self.revision), None)

    def evaluate(self, request: Request, *, every_rule: bool = False) -> Results:
        """What the candidates among the rules say (or every rule), uncombined. Raises InputInvalid and NativeError."""
        run = self._core.evaluate_all if every_rule else self._core.evaluate
        return read_results(run(self._document(request), request.now), self.rules)

    def warm(self, request: Request) -> None:
        """Run every rule once on whatever is asked, for nobody: the first decision then waits for nothing that is made once."""
        request = replace(request, context={"activity": quiet_activity()})
        with suppress(NativeError):
            self._core.evaluate_all(self._document(request), request.now)

    def candidates(self, request: Request) -> tuple[Rule, ...]:
        """The rules that are run for a request. Raises InputInvalid and NativeError."""
        numbers = msgspec.msgpack.decode(self._core.candidates(self._document(request)), type=list[int])
        return tuple(self.rules[number] for number in numbers)

    def near_misses(self, encoded: bytes, now: int) -> NearMisses | None:
        """How each condition comes out for an encoded request; None when the policies cannot be watched."""
        try:
            return NearMisses(self._core, encoded, now)
        except NativeError:
            return None

    def as_request(self, question: TextQuestion) -> Request:
        """The question with its text parsed. Raises InputInvalid."""
        command = self._reader.read(question.protocol, question.text, question.names)
        return Request(
            question.principal,
            question.session,
            question.resource,
            command,
            question.now,
            question.context,
            question.approval,
        )

    def _known(self, question: TextQuestion) -> Judgement:
        asker = self._asker(question.principal, question.session, question.resource, question.context)
        protocol, text = question.protocol, question.text
        version = None if question.names is None else question.names.version
        found = self._cache.of_text(asker, protocol, text, version)
        if found is not None:
            return found
        shape = self._reader.shape(protocol, text) if self._keeps_shapes else None
        if shape is not None:
            found = self._cache.of_shape(asker, protocol, shape, version)
            if found is not None:
                return found
        request = self.as_request(question)
        outline = _outline(request.command)
        part = self._part(request.command) if self._keeps_shapes else None
        decision = self._judge(request, None if part is None else (asker, part))
        found = Judgement(decision, request.command)
        if shape is not None and outline.is_only_its_shape:
            self._cache.keep_shape(asker, protocol, shape, version, found)
        self._cache.keep_text(asker, protocol, text, version, found)
        return found

    def _part(self, command: ParsedCommand) -> bytes | None:
        """What the rules can read of a command. A core that cannot say is asked to evaluate, and its answer counts."""
        try:
            return self._core.part(command.encoded)
        except NativeError:
            return None

    def _judge(self, request: Request, seen: tuple[Asker, bytes] | None = None) -> Decision:
        """Judge a tree. `seen`: all that the rules can read of the request, where what they said of that may be used again."""
        meaning = None if seen is None else self._parts.get(seen)
        if meaning is not None:
            return self._decision(meaning, request)
        try:
            said = self._core.evaluate(self._document(request), request.now)
        except NativeError as error:
            kind = _REFUSED_BY_CORE.get(error.code, DenyKind.EVAL_ERROR)
            return refusal(kind, f"the core answered {error.code}", self.revision)
        meaning = self._meanings.get(said)
        if meaning is None:
            meaning = self._meaning(said, request.command)
            self._meanings.put(said, meaning, 2 * len(said) + 1024)
        decision = self._decision(meaning, request)
        if seen is not None and decision.cacheable:
            self._parts.put(seen, meaning, sum(map(len, seen[0])) + len(seen[1]) + 512)
        return decision

    def _decision(self, meaning: _Meaning, request: Request) -> Decision:
        if meaning.decision is None or request.approval is not None:
            return combine(meaning.results, request.command, request.approval, self.revision)
        return meaning.decision

    def _meaning(self, said: bytes, command: ParsedCommand) -> _Meaning:
        results = read_results(said, self.rules)
        return _Meaning(results, None if results.has_masks else combine(results, command, None, self.revision))

    def _document(self, request: Request) -> bytes:
        # INVARIANT: a limit on what nobody counted is no limit; a rule that reads nothing there would say nothing.
        if self.names_activity and "activity" not in request.context:
            raise InputInvalid("the policies read `context.activity`, which is not in the request")
        context = context_fields(request.context, request.now, request.approval)
        return join_input(
            self._sections.principal.of(request.principal).encoded,
            self._sections.session.of(request.session).encoded,
            self._sections.resource.of(request.resource).encoded,
            request.command.encoded,
            encode(context, "context"),
        )

    def _asker(self, principal: Principal, session: Session, resource: Resource, context: Mapping[str, Json]) -> Asker:
        sections = self._sections
        return (
            sections.principal.of(principal).key,
            sections.session.of(session).key,
            sections.resource.of(resource).key,
            self._context_key(context) if context else self._no_context,
        )

    def _context_key(self, context: Mapping[str, Json]) -> bytes:
        # The time is no part of the key: what read it is not kept.
        fields = context_fields(context, 0, None)
        del fields["now"]
        encode(fields, "context")
        return reduced(self._context_paths, fields)


class _Meaning(NamedTuple):
    """What the core said, read, and the decision it comes to; None where that depends on the command itself: masks."""

    results: Results
    decision: Decision | None


class _SqlOutline(msgspec.Struct):
    constants_matter: bool = True


class _Outline(msgspec.Struct):
    """The few facts of a tree that every decision needs; the rest is decoded only where a mask looks at it."""

    operations: list[msgspec.Raw]
    problems: list[msgspec.Raw] = []
    sql: _SqlOutline | None = None

    @property
    def is_only_its_shape(self) -> bool:
        """Whether every text of the same shape means the same, whatever its literals."""
        return self.sql is not None and not self.sql.constants_matter and not self.problems


_OUTLINE = msgspec.msgpack.Decoder(_Outline)


def _outline(command: ParsedCommand) -> _Outline:
    """The outline of a tree. INVARIANT: it has an operation; `every operation ...` must not hold of nothing."""
    try:
        outline = _OUTLINE.decode(command.encoded)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputInvalid(f"the command is no command tree: {error}") from None
    if not outline.operations:
        raise InputInvalid("the command has no operation")
    return outline


def _check_tree(command: ParsedCommand) -> None:
    """Look at every field of a tree that somebody handed in."""
    _outline(command)
    try:
        _ = command.command
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputInvalid(f"the command is no command tree: {error}") from None
