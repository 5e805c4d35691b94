"""The resources of a configuration, as policies see them and as adapters reach them. Data only; built by `app`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.core.ports import Target
from engine.request import Resource


@dataclass(frozen=True, slots=True)
class Place:
    """One resource and where it is."""

    resource: Resource
    target: Target = field(repr=False)


class Directory:
    """All resources by name."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places: Mapping[str, Place] = {place.resource.name: place for place in places}

    def resource(self, name: str, protocol: str | None = None) -> Resource | None:
        """The resource of that name, if it speaks the protocol."""
        found = self._places.get(name)
        if found is None or (protocol is not None and found.resource.protocol != protocol):
            return None
        return found.resource

    def names(self) -> Sequence[str]:
        """All names."""
        return tuple(self._places)

    def target(self, name: str) -> Target | None:
        """Where it is and how the gateway signs in there."""
        found = self._places.get(name)
        return None if found is None else found.target


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
