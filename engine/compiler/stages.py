"""From sources to compiled policies: lower `.gate` files, encode, compile in the core, read back what it says of the rules.

The core parses, checks and compiles; whatever is wrong comes back as diagnostics, all at once, as `PolicyRefused`. A set
of sources and data has one revision, whatever the order of the files. Called by `engine.evaluator.program` and by those
who only check (`sallyport check`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from engine._native import NativeError, Program
from engine.compiler.gate_policies import SUFFIX, GatePolicies, read_gate_sources
from engine.compiler.heads import Head, HeadOf, check_heads
from engine.compiler.published import published_schema
from engine.errors import NativeFailure, PolicyRefused
from engine.rego.capabilities import ALLOWED
from engine.rego.contract import RuleKind
from engine.source import Diagnostic, Severity, Source, Span

if TYPE_CHECKING:
    from engine.request import Json

VOLATILE = ("input.context.now",)
"""What of the input differs from request to request by itself: a rule that reads it cannot be cached."""


class _Found(msgspec.Struct):
    code: str
    message: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    help: str


class _Rule(msgspec.Struct):
    id: int
    package: str
    kind: RuleKind
    file: str
    line: int
    always: bool
    reads: tuple[str, ...]
    volatile: bool
    code: str | None = None
    head: Head | None = None


class _Description(msgspec.Struct):
    # WHY raw: decoding thousands of rules in one call would keep the interpreter from every thread that decides.
    rules: list[msgspec.Raw]
    warnings: list[_Found]


_ENCODER = msgspec.msgpack.Encoder()
_FOUND = msgspec.msgpack.Decoder(list[_Found])
_DESCRIPTION = msgspec.msgpack.Decoder(_Description)
_RULE = msgspec.msgpack.Decoder(_Rule)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule of a policy package. Its place in `CompiledPolicies.rules` is the number the core knows it by.

    `is_always`: no index finds it, it runs for every request. `reads`: paths of the input it and its helpers read.
    `code`: of its result, where it stands literally in the rule's head.
    """

    package: str
    kind: RuleKind
    file: str
    line: int
    is_always: bool
    reads: tuple[str, ...]
    is_volatile: bool
    code: str | None = None


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """Policies ready to be evaluated. `core` may be used from many threads at once; `gate` knows what `.gate` files said.

    `told` is what compiling found to warn of, `heads` what stands literally in the heads of Rego rules, `masks` in those of masks,
    lowered ones with the place in the module that they became.
    """

    revision: str
    rules: tuple[PolicyRule, ...]
    told: tuple[Diagnostic, ...]
    heads: tuple[HeadOf, ...]
    core: Program
    gate: GatePolicies = field(default_factory=GatePolicies)
    masks: tuple[HeadOf, ...] = ()

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Everything an author should look at. WHY not at once: a program that loads policies to decide asks for none."""
        return (*self.told, *check_heads(self.heads))


def compile_policies(
    sources: Sequence[Source],
    data: Mapping[str, Json] | None = None,
    *,
    capabilities: Iterable[str] = ALLOWED,
    limits: Mapping[str, int] | None = None,
    volatile: Iterable[str] = VOLATILE,
    has_schema: bool = True,
) -> CompiledPolicies:
    """Compile `sources` with `data`.

    `limits` moves ceilings of the core by name. With `has_schema` paths are checked against the input's schema.
    Raises PolicyRefused with every diagnostic, in source order; NativeFailure when the core itself fails.
    """
    written = sorted((source.name, source.text) for source in sources)
    gate = read_gate_sources(sources)
    modules = [source for source in sources if not source.name.endswith(SUFFIX)] + gate.modules()
    files = sorted((module.name, module.text) for module in modules)
    document = dict(data or {})
    options: dict[str, object] = {
        "capabilities": sorted(capabilities),
        "volatile": list(volatile),
        "limits": dict(limits or {}),
    }
    if has_schema:
        options["schema"] = msgspec.Raw(published_schema())
    try:
        core = Program.compile(_ENCODER.encode(files), _ENCODER.encode(document), _ENCODER.encode(options))
    except NativeError as error:
        raise _refused(error, gate) from None
    if not gate.is_sound:
        raise PolicyRefused(gate.diagnostics)
    described = _DESCRIPTION.decode(core.describe())
    found = [_RULE.decode(rule) for rule in described.rules]
    rules = tuple(_rule(rule, gate) for rule in found)
    told = (*gate.diagnostics, *_translated(described.warnings, gate))
    masks = tuple(_heads(rule for rule in found if rule.kind is RuleKind.MASK))
    heads = tuple(one for one in _heads(found) if not one.file.endswith(SUFFIX))
    return CompiledPolicies(revision_of(written, document), rules, told, heads, core, gate, masks)


def revision_of(files: Iterable[tuple[str, str]], data: Mapping[str, Json]) -> str:
    """A name for what these policies mean: SHA-256 over sorted names, texts and data. The same contents, the same name."""
    digest = hashlib.sha256()
    for name, text in sorted(files):
        for part in (name.encode(), text.encode("utf-8", "surrogatepass")):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    digest.update(msgspec.json.encode(data, order="deterministic"))
    return digest.hexdigest()


def _refused(error: NativeError, gate: GatePolicies) -> PolicyRefused | NativeFailure:
    payload = error.args[1] if len(error.args) > 1 else None
    if error.code == "POLICY_REFUSED" and isinstance(payload, bytes):
        return PolicyRefused([*gate.diagnostics, *_translated(_FOUND.decode(payload), gate)])
    return NativeFailure(str(error.args[0]) if error.args else "the core failed", code=error.code)


def _heads(rules: Iterable[_Rule]) -> Iterator[HeadOf]:
    """The literal heads of rules."""
    return (HeadOf(rule.package, rule.kind, rule.file, rule.head) for rule in rules if rule.head is not None)


def _rule(rule: _Rule, gate: GatePolicies) -> PolicyRule:
    file, line = gate.locate(rule.file, rule.line)
    return PolicyRule(rule.package, rule.kind, file, line, rule.always, rule.reads, rule.volatile, rule.code)


def _translated(found: Iterable[_Found], gate: GatePolicies) -> list[Diagnostic]:
    told = (gate.translate(_diagnostic(one)) for one in found)
    return list(dict.fromkeys(one for one in told if one is not None))


def _diagnostic(found: _Found) -> Diagnostic:
    span = Span(found.line, found.column, found.end_line, found.end_column) if found.line else None
    # The parser's own messages are sentences; ours are not.
    message = (found.message[:1].lower() + found.message[1:]).removesuffix(".")
    return Diagnostic(found.code, message, found.file, span, found.severity, found.help)
