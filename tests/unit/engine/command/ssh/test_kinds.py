"""Every request has a kind of the table, every operation on files a program that the shell's reader knows."""

from __future__ import annotations

from engine.command.shell import kinds as shell
from engine.command.ssh.kinds import EFFECTS, FEATURES, FILES, KIND_NAMES, KINDS, REQUESTS, VIA
from engine.command.ssh.parse import parse_ssh, request_text


def test_each_kind_stands_once() -> None:
    assert len(KIND_NAMES) == len(KINDS) == len(EFFECTS)


def test_every_request_has_a_kind_of_the_table() -> None:
    assert {kind for kind, _ in REQUESTS.values()} <= KIND_NAMES


def test_operations_on_files_have_the_kinds_and_effects_of_the_shell() -> None:
    effects = {kind.name: kind.effect for kind in shell.KINDS}
    for word, (_, count) in FILES.items():
        (operation,) = parse_ssh(request_text(word, *["/srv/x", "/srv/y"][:count])).command.operations
        assert operation.kind in effects
        assert EFFECTS[operation.kind] == effects[operation.kind]
        assert operation.via == ("sftp",)


def test_features_and_steps_are_told() -> None:
    assert set(FEATURES) == {"not_canonical", "unjudged"}
    assert set(VIA) == {"top", "sftp"}
