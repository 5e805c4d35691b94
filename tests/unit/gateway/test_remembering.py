"""What a session remembers is found only while everything that decided it is the same object, and there is little of it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from adapters.core.ports import Question
from engine._native import EntryForm
from gateway.remembering import MAX_KEPT, MAX_TEXT, Memory, Remembered
from tests.strategies.gates import ALLOW, ANA, ORDERS, SESSION

FORM = EntryForm(b"", b"", "postgres", None, hides=True)
PROGRAM, NAMES = object(), object()
KNOWN = Remembered(PROGRAM, NAMES, ANA, SESSION, ORDERS, ALLOW, None, {}, FORM, ("allow", ""), False)
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
    about[changed] = object() if changed in ("program", "names") else replace(about[changed])  # type: ignore[type-var]  # dataclasses
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
    value = object() if changed in ("program", "names") else replace(getattr(KNOWN, changed))
    assert not KNOWN.is_like(msgspec.structs.replace(KNOWN, **{changed: value}))
