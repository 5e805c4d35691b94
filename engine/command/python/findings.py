"""What was found in a program: operations that look alike are one, with a count; problems by their code.

Called by `walk` and `parse`; bounded, so that no program makes a tree that nobody can hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from engine.command.python.kinds import EFFECTS, UNSEEN
from engine.command.python.tree import Python
from engine.command.tree import Command, Operation, Problem, Target

MAX_OPERATIONS: Final = 400
MAX_ARGUMENT: Final = 1_000
MAX_ARGUMENTS: Final = 6

_WHY: Final = {
    "import_unknown": ("unknown_module", "a module that no table knows is imported: its code runs"),
    "call_unknown": ("unknown_function", "a function is called that no table knows"),
    "call_dynamic": ("dynamic_call", "what is called here is only known when it runs"),
    "reflect": ("reflection", "the program reaches for the insides of Python"),
    "run_code": ("code_from_text", "code is run that stands in a text, a file or behind a name"),
    "deserialise": ("opaque_code", "data are loaded that may hold code"),
    "native_code": ("opaque_code", "code of libraries or of memory is called"),
}
"""The problem that a kind is: why a program with it is not complete."""


@dataclass(frozen=True, slots=True)
class Found:
    """One operation as it was seen, before it is put beside others that look alike."""

    kind: str
    function: str | None
    via: tuple[str, ...]
    span: tuple[int, int]
    signs: frozenset[str] = frozenset()
    targets: tuple[Target, ...] = ()
    arguments: tuple[str | None, ...] = ()


@dataclass(slots=True)
class Findings:
    """All that was found."""

    operations: list[Operation] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)
    _places: dict[Found, int] = field(default_factory=dict)
    _nested: set[tuple[object, ...]] = field(default_factory=set)

    def add(self, found: Found, calls: int) -> None:
        """One operation more, or one place more where it stands."""
        key = replace(found, span=(0, 0))
        at = self._places.get(key)
        if at is not None:
            known = self.operations[at]
            if known.python is not None:
                facts = replace(known.python, calls=known.python.calls + calls)
                self.operations[at] = replace(known, python=facts)
            return
        if found.kind in _WHY:
            code, message = _WHY[found.kind]
            self.problem(code, message, found.span[0])
        if self._is_full():
            return
        self._places[key] = len(self.operations)
        module = None if found.function is None else found.function.partition(".")[0] or None
        facts = Python(found.function, module, found.arguments, calls, tuple(sorted(found.signs)))
        effect = EFFECTS[found.kind]
        self.operations.append(Operation(found.kind, effect, found.via, found.targets, found.span, python=facts))

    def nest(self, command: Command, via: tuple[str, ...], span: tuple[int, int], code: str) -> None:
        """What a text inside the program does, in its own language; `code` is the problem when nobody saw all of it."""
        for one in command.operations:
            placed = replace(one, via=(*via, *one.via[1:]), span=span, statement=0)
            key = (placed.kind, placed.via, placed.targets, placed.shell)
            if key not in self._nested and not self._is_full():
                self._nested.add(key)
                self.operations.append(placed)
        if not command.complete:
            self.problem(code, "not all of a command inside the program could be seen", span[0])

    def problem(self, code: str, message: str, at: int | None = None) -> None:
        """A problem; only the first of its code is kept."""
        self.problems.setdefault(code, Problem(code, message, at))

    def _is_full(self) -> bool:
        if len(self.operations) < MAX_OPERATIONS:
            return False
        self.problem("too_many_operations", f"the program does more than {MAX_OPERATIONS} different things")
        return True

    def is_complete(self) -> bool:
        """Whether everything was seen to the bottom."""
        return not self.problems and not any(one.kind in UNSEEN for one in self.operations)

    def has(self, kinds: Iterable[str]) -> bool:
        """Whether there is an operation of one of these kinds."""
        wanted = frozenset(kinds)
        return any(one.kind in wanted for one in self.operations)
