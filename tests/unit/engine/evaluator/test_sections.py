"""Sections are encoded once for each object, and their keys hold what rules read."""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import InputInvalid
from engine.evaluator.encode import Plain
from engine.evaluator.keys import Reads
from engine.evaluator.sections import KEPT_BYTES, Kept, Sections
from engine.request import Principal, Resource, Session

ANA = Principal("ana", groups=("dba",))


def test_an_object_is_encoded_once() -> None:
    asked: list[Principal] = []

    def fields(principal: Principal) -> Plain:
        asked.append(principal)
        return {"name": principal.name}

    kept: Kept[Principal] = Kept("principal", fields, ((),))
    assert kept.of(ANA) is kept.of(ANA)
    assert len(asked) == 1
    assert kept.of(Principal("ana", groups=("dba",))).encoded == kept.of(ANA).encoded
    assert len(asked) == 2


def test_a_key_holds_only_what_is_read() -> None:
    sections = Sections(Reads.of(["input.principal.groups[_]", "input.resource"]))
    assert sections.principal.of(ANA).key == sections.principal.of(Principal("bo", groups=("dba",))).key
    assert sections.principal.of(ANA).key != sections.principal.of(Principal("ana", groups=("dev",))).key
    assert sections.session.of(Session("a")).key == sections.session.of(Session("b")).key
    whole = sections.resource.of(Resource("r", "ssh"))
    assert whole.key == whole.encoded
    assert msgspec.msgpack.decode(whole.encoded) == {"name": "r", "protocol": "ssh", "labels": {}}


def test_what_has_a_wrong_shape_is_refused_each_time() -> None:
    sections = Sections(Reads(()))
    nobody = Principal("")
    for _ in range(2):
        with pytest.raises(InputInvalid):
            sections.principal.of(nobody)


def test_an_identity_is_never_another_objects() -> None:
    sections = Sections(Reads.of(["input"]))
    for number in range(20_000):
        name = f"p{number}"
        assert name.encode() in sections.principal.of(Principal(name)).encoded


def test_the_objects_count_whose_sections_are_kept() -> None:
    sections = Sections(Reads(()))
    path = [f"s{number}" for number in range(10_000)]
    sessions = [Session(f"s-{number}", state={"search_path": [*path]}) for number in range(60)]
    kept = [(one, sections.session.of(one)) for one in sessions]
    size = len(kept[0][1].encoded)
    found = sum(sections.session._kept.get(id(one)) is section for one, section in kept)
    assert 0 < found <= 2 * KEPT_BYTES // (10 * size)
