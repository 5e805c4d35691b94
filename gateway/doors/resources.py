"""The resources of a configuration, as policies see them and as adapters reach them. Data only; built by `app`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.core.ports import Target
from engine.request import Resource


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions on a resource may be idle and open, and how many one principal may have. 0: no limit."""

    idle_seconds: float = 0.0
    lifetime_seconds: float = 0.0
    connections_per_principal: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Place:
    """One resource, where it is, and what sessions on it may do."""

    resource: Resource
    target: Target = field(repr=False)
    limits: Limits = NO_LIMITS


class Directory:
    """All resources by name."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places: Mapping[str, Place] = {place.resource.name: place for place in places}
        self._has_limits = any(place.limits != NO_LIMITS for place in places)

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
        """Whether any of them limits its sessions."""
        return self._has_limits

    def limits(self, name: str) -> Limits:
        """The limits of sessions on it; none for one that does not exist: those sessions end for that."""
        found = self._places.get(name)
        return NO_LIMITS if found is None else found.limits

    def target(self, name: str) -> Target | None:
        """Where it is and how the gateway signs in there."""
        found = self._places.get(name)
        return None if found is None else found.target

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
