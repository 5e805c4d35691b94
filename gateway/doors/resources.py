"""The resources of a configuration, as policies see them and as adapters reach them. Data only; built by `app`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from adapters.core.ports import Refusal, Target
from engine.request import Resource


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions on a resource may be idle and open, and how many one principal may have. 0: no limit."""

    idle_seconds: float = 0.0
    lifetime_seconds: float = 0.0
    connections_per_principal: int = 0


NO_LIMITS = Limits()
NO_CREDENTIAL = Refusal("08004", "the credential for this target cannot be had at the moment (CREDENTIAL_UNAVAILABLE)")
_SENT_EACH_TIME = ("http", "kubernetes", "mcp")


class Credential(Protocol):
    """A credential with an end (`gateway.credentials.renewing`)."""

    @property
    def target(self) -> Target:
        """The target with it, as it is at the moment."""

    @property
    def is_ready(self) -> bool:
        """Whether a connection can be made with it as it is."""

    @property
    def trouble(self) -> bool:
        """Whether there is none that could be used."""

    @property
    def lasts(self) -> float | None:
        """For how many seconds it is used, None where it has no end."""

    async def make_ready(self) -> None:
        """Have it again where that is due. Never raises."""


@dataclass(frozen=True, slots=True)
class Place:
    """One resource, where it is, and what sessions on it may do."""

    resource: Resource
    target: Target = field(repr=False)
    limits: Limits = NO_LIMITS
    credential: Credential | None = field(repr=False, default=None)
    """There where the credential has an end."""


class Directory:
    """All resources by name."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places: Mapping[str, Place] = {place.resource.name: place for place in places}
        self._has_limits = any(place.limits != NO_LIMITS or place.credential is not None for place in places)

    def resource(self, name: str, protocol: str | None = None) -> Resource | None:
        """The resource of that name, if it speaks the protocol."""
        found = self._places.get(name)
        if found is None or (protocol is not None and found.resource.protocol != protocol):
            return None
        return found.resource

    def names(self) -> Sequence[str]:
        """All names."""
        return tuple(self._places)

    @property
    def has_limits(self) -> bool:
        """Whether any of them limits its sessions, or has a credential that ends."""
        return self._has_limits

    def limits(self, name: str) -> Limits:
        """The limits of sessions on it; none for one that does not exist: those sessions end for that."""
        found = self._places.get(name)
        return NO_LIMITS if found is None else found.limits

    def target(self, name: str) -> Target | None:
        """Where it is and how the gateway signs in there."""
        found = self._places.get(name)
        if found is None:
            return None
        return found.target if found.credential is None else found.credential.target

    def _credential(self, name: str) -> Credential | None:
        found = self._places.get(name)
        return None if found is None else found.credential

    def is_ready(self, name: str) -> bool:
        """Whether its credential is good as it is."""
        credential = self._credential(name)
        return credential is None or credential.is_ready

    async def make_ready(self, name: str) -> None:
        """Have its credential again where that is due. Never raises."""
        credential = self._credential(name)
        if credential is not None:
            await credential.make_ready()

    def unready(self, name: str, protocol: str) -> Refusal | None:
        """Why nobody can be let in for want of a credential. WHY not over SSH: connections are made later there, and refused then."""
        credential = self._credential(name)
        return NO_CREDENTIAL if credential is not None and credential.trouble and protocol != "ssh" else None

    def lasts(self, name: str, protocol: str) -> float | None:
        """For how many seconds a session may use its credential, None where that is for the session to say. WHY only over HTTP: the
        credential goes with each request there, elsewhere with the connection."""
        credential = self._credential(name) if protocol in _SENT_EACH_TIME else None
        return None if credential is None else credential.lasts

    def reached(self, resource: Resource) -> Target | None:
        """The same for a resource as a decision saw it, with the database that is meant inside it."""
        target = self.target(resource.name)
        if target is None or resource.database is None:
            return target
        return replace(target, database=resource.database)


class LiveResources(Mapping[str, Resource]):
    """The resources of whichever directory is in force at the moment of the look."""

    def __init__(self, current: Callable[[], Directory]) -> None:
        self._current = current

    def __getitem__(self, name: str) -> Resource:
        found = self._current().resource(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._current().names())

    def __len__(self) -> int:
        return len(self._current().names())


def with_database(place: Resource, database: str | None) -> Resource:
    """The resource with the database a client chose, where the configuration leaves the choice."""
    return place if place.database is not None or database is None else replace(place, database=database)
