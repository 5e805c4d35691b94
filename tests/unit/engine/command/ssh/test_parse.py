"""SSH requests: one meaning, one text; hostile paths make no second operation; nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.ssh.kinds import FILES, REQUESTS
from engine.command.ssh.parse import parse_ssh, request_text
from engine.command.tree import Access, Effect

ODD = ("/a b", "/a'b", '/a"b', "/$(id)", "/`id`", "/a;rm -rf /", "-rf", "/a\\b", "~/x", "/*", "/{a,b}", "/é", "")


def one(word: str, *values: str):  # type: ignore[no-untyped-def]
    command = parse_ssh(request_text(word, *values)).command
    (operation,) = command.operations
    return command, operation


def test_a_connection_names_its_host_and_port() -> None:
    command, operation = one("connect", "db.internal", "5432")
    assert (operation.kind, operation.effect, command.complete) == ("connect", Effect.EXECUTE, True)
    assert [(target.type, target.name) for target in operation.targets] == [("host", "db.internal:5432")]


def test_a_file_operation_has_the_signs_of_the_program_that_does_the_same() -> None:
    _, keys = one("sftp write", "/srv/app/.ssh/authorized_keys")
    assert keys.shell is not None
    assert "persistence" in keys.shell.signs
    _, shadow = one("sftp read", "/etc/shadow")
    assert shadow.shell is not None
    assert "credential_read" in shadow.shell.signs


@pytest.mark.parametrize("path", ODD)
@pytest.mark.parametrize("word", [word for word, (_, count) in FILES.items() if count == 1])
def test_a_hostile_path_is_one_operation_on_exactly_that_path(word: str, path: str) -> None:
    command, operation = one(word, path)
    if command.complete:
        assert [target.name for target in operation.targets if target.type == "file"] == [path]
    else:
        assert operation.kind == "unknown"


def test_both_ends_of_a_renaming_are_targets() -> None:
    _, operation = one("sftp rename", "/a", "/b")
    assert [(target.name, target.access) for target in operation.targets] == [
        ("/a", Access.READ),
        ("/b", Access.CREATE),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nothing",
        b'connect "a"',
        b'connect "a" "1" "2"',
        b'connect  "a" "1"',
        b'connect "a" "1" ',
        b'connect "\\u0061" "1"',
        b'sftp remove "/a\n"',
        b"sftp remove /a",
        b'sftp remove "/a" && rm -rf /',
        b'sftp remove "\\ud800"',
        b"\xff\xfe",
        b'sftp remove "' + b"a" * 70_000 + b'"',
    ],
)
def test_what_is_not_written_the_one_way_is_unknown(text: bytes) -> None:
    command = parse_ssh(text).command
    assert not command.complete
    assert [operation.effect for operation in command.operations] == [Effect.UNKNOWN]


@given(st.sampled_from(sorted({**REQUESTS, **FILES})), st.lists(st.text(), max_size=3))
def test_texts_that_differ_have_digests_that_differ_and_nothing_raises(word: str, values: list[str]) -> None:
    text = request_text(word, *values)
    command = parse_ssh(text).command
    assert len(command.operations) == 1
    assert command.digest != parse_ssh(text + b" ").command.digest


@given(st.binary(max_size=300))
def test_garbage_is_never_complete(text: bytes) -> None:
    command = parse_ssh(text).command
    assert command.complete is False or text == request_text(*_words(text))


def _words(text: bytes) -> tuple[str, ...]:
    # The only complete garbage is a request without values, such as `shell`.
    return (text.decode(),)


@pytest.mark.parametrize("word", ["shell raw", "terminal"])
def test_a_terminal_of_the_target_is_never_complete(word: str) -> None:
    command, operation = one(word)
    assert operation.kind == REQUESTS[word][0]
    assert (command.complete, command.features) == (False, ("unjudged",))


def test_a_guarded_shell_and_its_programs_are_known() -> None:
    assert one("shell guarded")[0].complete
    command, operation = one("screen", "less")
    assert command.complete
    assert [(target.type, target.name) for target in operation.targets] == [("program", "less")]


@pytest.mark.parametrize(
    ("word", "values", "sign"),
    [
        ("sftp rename", ("/data/u/stage", "/data/u/.config"), "persistence"),
        ("sftp symlink", ("/data/u/stage", "/data/u/.config/"), "persistence"),
        ("sftp rename", ("/srv/stage", "/srv/project/.git"), "persistence"),
        ("sftp rename", ("/data/u/stage", "/data/u/.config/systemd"), "persistence"),
        ("sftp write", ("/data/u/.ssh/rc",), "credential_write"),
        ("sftp link", ("/data/u/plain", "/data/u/.ssh/environment"), "credential_write"),
        ("sftp rename", ("/data/u/.ssh", "/data/u/away"), "credential_write"),
    ],
)
def test_what_becomes_a_folder_of_start_files_and_what_stands_by_keys_is_noteworthy(
    word: str, values: tuple[str, ...], sign: str
) -> None:
    (one,) = parse_ssh(request_text(word, *values)).command.operations
    assert one.shell is not None
    assert sign in one.shell.signs


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("sftp rename", ("/data/u/a", "/data/u/b")),
        ("sftp mkdir", ("/data/u/.config",)),
        ("sftp list", ("/data/u/project",)),
    ],
)
def test_other_moves_are_not(word: str, values: tuple[str, ...]) -> None:
    (one,) = parse_ssh(request_text(word, *values)).command.operations
    assert one.shell is not None
    assert one.shell.signs == ()
