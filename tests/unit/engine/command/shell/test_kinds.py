"""The words of shell trees: the core and the page that explains them agree."""

from __future__ import annotations

import msgspec

from engine import _native
from engine.command.shell.kinds import FEATURES, KIND_NAMES, KINDS, SIGNS, VIA


def test_the_core_and_python_know_the_same_kinds_with_the_same_effects() -> None:
    words = msgspec.msgpack.decode(_native.shell_kinds())
    assert [(kind.name, kind.effect.value) for kind in KINDS] == [(name, effect) for name, effect in words["kinds"]]
    assert len(KIND_NAMES) == len(KINDS)


def test_the_core_and_python_know_the_same_signs_features_and_steps() -> None:
    words = msgspec.msgpack.decode(_native.shell_kinds())
    assert list(SIGNS) == words["signs"]
    assert list(FEATURES) == words["features"]
    assert list(VIA) == words["via"]


def test_every_word_says_what_it_means() -> None:
    assert all(kind.meaning for kind in KINDS)
    assert all([*SIGNS.values(), *FEATURES.values(), *VIA.values()])
