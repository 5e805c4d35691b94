"""What a session remembers is found only while everything that decided it is the same object, and there is little of it."""

from __future__ import annotations

from dataclasses import replace
from weakref import ref

import msgspec
import pytest

from adapters.core.ports import Question
from engine._native import Count, EntryForm
from engine.command.tree import ParsedCommand
from engine.decision import MaskItem
from gateway.remembering import MAX_KEPT, MAX_TEXT, MAX_TREES, Memory, Remembered
from tests.strategies.gates import ALLOW, ANA, ORDERS, SESSION

FORM = EntryForm(b"", b"", "postgres", None, hides=True)


class Thing:
    """Policies, or names: compared as an object."""


PROGRAM, NAMES = Thing(), Thing()
KNOWN = Remembered(ref(PROGRAM), ref(NAMES), ANA, SESSION, ORDERS, ALLOW, None, {}, FORM, Count(), False)
FOR_SHAPE = msgspec.structs.replace(KNOWN, for_shape=True)


def question(text: bytes = b"SELECT 1", names: object = NAMES) -> Question:
    return Question("postgres", text, names)


def memory() -> Memory:
    return Memory(lambda protocol, text: bytes(byte for byte in text if not chr(byte).isdigit()))


def test_the_same_question_finds_its_verdict() -> None:
    kept = memory()
    kept.keep(question(), KNOWN)
    assert kept.find(question(), PROGRAM, ANA, SESSION, ORDERS) is KNOWN
    assert kept.find(question(b"SELECT 2"), PROGRAM, ANA, SESSION, ORDERS) is None


def test_a_verdict_for_a_shape_is_found_for_all_its_texts() -> None:
    kept = memory()
    kept.keep(question(), FOR_SHAPE)
    assert kept.find(question(b"SELECT 2"), PROGRAM, ANA, SESSION, ORDERS) is FOR_SHAPE
    assert kept.find(question(b"DELETE 2"), PROGRAM, ANA, SESSION, ORDERS) is None


def test_a_text_without_a_shape_is_not_kept_for_one() -> None:
    kept = Memory(lambda protocol, text: None)
    kept.keep(question(), FOR_SHAPE)
    assert kept.find(question(), PROGRAM, ANA, SESSION, ORDERS) is None


@pytest.mark.parametrize("changed", ["program", "names", "principal", "session", "resource"])
def test_an_equal_but_other_object_is_another_circumstance(changed: str) -> None:
    kept = memory()
    kept.keep(question(), KNOWN)
    about = {"program": PROGRAM, "names": NAMES, "principal": ANA, "session": SESSION, "resource": ORDERS}
    about[changed] = Thing() if changed in ("program", "names") else replace(about[changed])  # type: ignore[type-var]  # dataclasses
    asked = question(names=about["names"])
    assert kept.find(asked, about["program"], about["principal"], about["session"], about["resource"]) is None  # type: ignore[arg-type]  # of the right types


def test_long_texts_are_not_kept_and_too_many_begin_anew() -> None:
    kept = memory()
    kept.keep(question(b"x" * (MAX_TEXT + 1)), KNOWN)
    assert kept.find(question(b"x" * (MAX_TEXT + 1)), PROGRAM, ANA, SESSION, ORDERS) is None
    for number in range(MAX_KEPT + 1):
        kept.keep(question(b"SELECT %d" % number), KNOWN)
    assert kept.find(question(b"SELECT 0"), PROGRAM, ANA, SESSION, ORDERS) is None
    assert kept.find(question(b"SELECT %d" % MAX_KEPT), PROGRAM, ANA, SESSION, ORDERS) is KNOWN


def test_many_bytes_begin_anew_as_well() -> None:
    kept = memory()
    for number in range(40):
        kept.keep(question(b"%04d" % number + b"y" * 5_000), KNOWN)
    assert kept.find(question(b"%04d" % 0 + b"y" * 5_000), PROGRAM, ANA, SESSION, ORDERS) is None
    assert kept.find(question(b"%04d" % 39 + b"y" * 5_000), PROGRAM, ANA, SESSION, ORDERS) is KNOWN


@pytest.mark.parametrize("changed", ["program", "names", "principal", "session", "resource"])
def test_what_was_decided_by_other_objects_is_not_alike(changed: str) -> None:
    assert KNOWN.is_like(FOR_SHAPE)
    other = Thing()
    value = ref(other) if changed in ("program", "names") else replace(getattr(KNOWN, changed))
    assert not KNOWN.is_like(msgspec.structs.replace(KNOWN, **{changed: value}))


def test_policies_and_names_that_were_replaced_are_not_kept_for_a_session_that_stays() -> None:
    kept, program, names = memory(), Thing(), Thing()
    known = msgspec.structs.replace(KNOWN, program=ref(program), names=ref(names))
    kept.keep(question(names=names), known)
    assert kept.find(question(names=names), program, ANA, SESSION, ORDERS) is known
    del program, names
    assert known.program() is None
    assert known.names is not None
    assert known.names() is None


def test_where_nothing_decides_nothing_is_found_of_what_is_gone() -> None:
    kept, program = memory(), Thing()
    kept.keep(question(), msgspec.structs.replace(KNOWN, program=ref(program)))
    del program
    assert kept.find(question(), None, ANA, SESSION, ORDERS) is None


def test_names_that_are_gone_are_not_the_absence_of_names() -> None:
    kept, names = memory(), Thing()
    gone = msgspec.structs.replace(KNOWN, names=ref(names))
    del names
    kept.keep(question(), gone)
    assert kept.find(question(names=None), PROGRAM, ANA, SESSION, ORDERS) is None
    assert not gone.is_like(gone)
    nameless = msgspec.structs.replace(KNOWN, names=None)
    assert not nameless.is_like(gone)
    assert nameless.is_like(nameless)
    assert KNOWN.is_like(KNOWN)
    assert not KNOWN.is_like(nameless)


@pytest.mark.parametrize(
    "large",
    [
        msgspec.structs.replace(KNOWN, command=ParsedCommand(b"x" * 60_000)),
        msgspec.structs.replace(KNOWN, decision=replace(ALLOW, mask_plan=(MaskItem(0, ("t.a",), "null"),) * 100)),
    ],
)
def test_trees_and_plans_of_masks_count_too(large: Remembered) -> None:
    kept = memory()
    for number in range(20):
        kept.keep(question(b"SELECT %d" % number), large)
    found = [kept.find(question(b"SELECT %d" % number), PROGRAM, ANA, SESSION, ORDERS) for number in range(20)]
    assert found[19] is large
    assert sum(one is not None for one in found) <= 4
    huge = msgspec.structs.replace(KNOWN, command=ParsedCommand(b"x" * (MAX_TREES + 1)))
    kept.keep(question(b"SELECT 'huge'"), huge)
    assert kept.find(question(b"SELECT 'huge'"), PROGRAM, ANA, SESSION, ORDERS) is None
    assert kept.find(question(b"SELECT 19"), PROGRAM, ANA, SESSION, ORDERS) is large
