"""What is particular to one simple command of a shell: the program that runs in the end and everything around it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable set for one command, or in the shell when there is no command. `value` is None where it is not literal."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection: `operator` as written, `descriptor` when one is written, `target` None where it is not literal."""

    operator: str
    descriptor: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """One simple command, its wrappers taken off.

    `program` is None where it is not literal; `argv` holds it too, with None for every word that is not literal (a glob, a
    tilde, an expansion). `wrappers` (`sudo`, `xargs`, `ssh` ...) stand outermost first; `remote` says that it runs on
    another host. `signs` are short flags of what is noteworthy (docs/commands.md), for policies to weigh.
    """

    program: str | None = None
    argv: tuple[str | None, ...] = ()
    env: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    wrappers: tuple[str, ...] = ()
    remote: bool = False
    signs: tuple[str, ...] = ()
