"""What a page is asked and what it answers. No HTTP here: `server` reads and writes that. Used by every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.console.signed_in import SignedIn

PAGE = 50
"""Rows of a list on one page."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, as they are known at this moment."""

    name: str
    kind: str
    groups: tuple[str, ...]
    roles: frozenset[str]
    session: SignedIn = field(repr=False)

    @property
    def may_vote(self) -> bool:
        """Whether they may decide about held commands (of which, the command says)."""
        return "approver" in self.roles

    @property
    def sees_holds(self) -> bool:
        """Whether they may see other people's held commands."""
        return bool(self.roles & {"approver", "auditor"})

    @property
    def may_end(self) -> bool:
        """Whether they may end sessions, and so see which there are."""
        return "operator" in self.roles

    @property
    def may_audit(self) -> bool:
        """Whether they may see what everybody did."""
        return "auditor" in self.roles


@dataclass(frozen=True, slots=True)
class Call:
    """One question of a browser. `now` is UTC nanoseconds."""

    viewer: Viewer
    now: int
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to show. `live`: what has to change for it to be shown anew; nothing for a page that stands still."""

    template: str
    fields: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    live: str = ""


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on to a place of ours."""

    place: str


@dataclass(frozen=True, slots=True)
class Data:
    """JSON for our own script."""

    body: bytes


Reply: TypeAlias = Page | Goto | Data
Answer: TypeAlias = Callable[[Call], Reply]


class CallRefused(Exception):
    """A call that gets no page. `title` and `text` are ours and say what to do."""

    def __init__(self, status: int, title: str, text: str, wait: int = 0) -> None:
        """`wait`: for how many seconds, where somebody asks too often."""
        super().__init__(text)
        self.wait = wait
        self.status = status
        self.title = title


def not_here() -> CallRefused:
    """The same for what does not exist and for what this viewer may not see."""
    return CallRefused(404, "There is nothing here", "It does not exist, or it is not for you to see.")


def for_auditors(viewer: Viewer) -> None:
    """Raises CallRefused unless the viewer may see what everybody did."""
    if not viewer.may_audit:
        raise CallRefused(
            403, "This page is for auditors", "It needs the role `auditor`; whoever keeps the configuration gives it."
        )
