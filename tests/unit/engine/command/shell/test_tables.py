"""Every entry of the tables does what it says: a command line made from the entry shows it in the tree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.command.shell.kinds import KIND_NAMES, SIGNS
from tests.conftest import ROOT
from tests.shell_commands import command, facts, kinds, programs, signs

TABLES = ROOT / "engine/native/src/shell/walk"
INNER = "rm -rf /"
# Where something other than the words in order decides what runs.
# An option with two meanings (`sudo -h` helps or names a host), or with another program's options in between: not tried here.
TWO_MEANINGS = {
    *(("sudo", "-h"), ("screen", "-S"), ("perf", "record"), ("perf", "stat"), ("perf", "trace")),
    *((f"tmux_{name}", "-f") for name in ("new", "new-session", "neww", "new-window", "splitw", "split-window")),
    *((f"tmux_{name}", "-f") for name in ("respawn-pane", "run-shell", "run", "if-shell")),
}
SPECIAL = {"xargs", "gxargs", "parallel", "find", "env", "genv"}


def rows(name: str) -> Iterator[list[str]]:
    for line in (TABLES / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def cell(text: str) -> list[str]:
    return [word for word in text.split() if word != "-"]


def wrappers() -> Iterator[tuple[str, list[str]]]:
    for row in rows("wrappers.tsv"):
        for name in row[0].split():
            yield name, row


def inner_of(row: list[str]) -> str | None:
    """What stands after the wrapper's own words, or None when an option carries it or nothing does."""
    return {"argv": INNER, "words": INNER, "each": f"'{INNER}'", "first": f"'{INNER}'", "none": None}[row[1]]


def begun(name: str, row: list[str]) -> str:
    program = name.replace("-compose_", " compose ", 1).replace("_", " ", 1)
    if program.startswith(("docker-compose ", "podman-compose ")):
        return program
    return program if "_" in name else name


ARGV = [(name, row) for name, row in wrappers() if inner_of(row) is not None and name not in SPECIAL]
TEXTS = [(name, row, option) for name, row in wrappers() for option in cell(row[4])]


@pytest.mark.parametrize(("name", "row"), ARGV, ids=[name for name, _ in ARGV])
def test_a_wrapper_is_taken_off_with_all_its_options(name: str, row: list[str]) -> None:
    stops = set(cell(row[5]))
    flags = [flag.rstrip("?").replace("-#", "-7") for flag in cell(row[2]) if flag not in stops and flag != "--"]
    valued = [f"{option} 1" for option in cell(row[3]) if option not in {*stops, *flags, "--entrypoint"}]
    before = " ".join(["host"] * min(int(row[6]), 3))
    for own in ("", *flags, *valued):
        if (name, own.split(" ")[0]) in TWO_MEANINGS:
            continue
        line = f"{begun(name, row)} {own} {before} {inner_of(row)}"
        assert "whole_tree" in signs(line), line
        assert "delete_file" in kinds(line), line


@pytest.mark.parametrize(
    ("name", "row"), [one for one in ARGV if "lenient" not in one[1][7] and one[0] != "x86_64"], ids=str
)
def test_an_option_nobody_knows_leaves_the_rest_unseen(name: str, row: list[str]) -> None:
    before = " ".join(["host"] * min(int(row[6]), 3))
    assert not command(f"{begun(name, row)} --no-such-option-at-all {before} {INNER}").complete


@pytest.mark.parametrize(("name", "row", "option"), TEXTS, ids=str)
def test_an_option_with_a_shell_text_is_read(name: str, row: list[str], option: str) -> None:
    before = " ".join(["host"] * int(row[6])) if row[6] not in ("9",) else ""
    line = f"{begun(name, row)} {before} {option} '{INNER}'"
    assert "whole_tree" in signs(line), line


OPTIONS = [(name, option, row[2]) for row in rows("options.tsv") for name in row[0].split() for option in cell(row[1])]
SHOWN = {
    "shell": "whole_tree",
    "code": "opaque_code",
    "file": "opaque_code",
    "write": "persistence",
    "tree": "persistence",
    "read": "credential_read",
}


@pytest.mark.parametrize(
    ("name", "option", "form"), [one for one in OPTIONS if one[2] in SHOWN and one[0] != "emacs"], ids=str
)
def test_an_option_that_is_more_than_a_flag_shows(name: str, option: str, form: str) -> None:
    value = {"shell": f"'{INNER}'", "write": "~/.bashrc", "tree": "~/.config", "read": "~/.aws/credentials"}.get(
        form, "./code"
    )
    line = f"{name} {option} {value} x"
    assert SHOWN[form] in signs(line), line


@pytest.mark.parametrize(("name", "option"), [one[:2] for one in OPTIONS if one[2] == "sql"], ids=str)
def test_an_option_with_sql_is_read(name: str, option: str) -> None:
    assert "drop_table" in kinds(f"{name} {option} 'DROP TABLE t'")


def made_from(name: str, when: str) -> str:
    words = [name.replace(".*", ".ext4")]
    for condition in cell(when):
        if condition.startswith("!"):
            continue
        if condition.startswith("#"):
            words += ["x"] * int(condition[1:])
            continue
        words.append(f"'x{condition[1:].split('|')[0]}x'" if condition.startswith("~") else condition.split("|")[0])
    return " ".join(words)


PROGRAMS = [
    (name, row)
    for table in ("programs.tsv", "services.tsv")
    for row in rows(table)
    for name in row[0].split()
    if row[4] != "-"
]
# These are unwrapped, or look at the words themselves before their entry is asked.
OTHERWISE = {"bun", "php", "osascript", "expect", "gdb", "lldb", "at", "batch", "test", "mkfs.*", "fsck.*", "mount.*"}


@pytest.mark.parametrize(
    ("name", "row"), [one for one in PROGRAMS if one[0] not in OTHERWISE], ids=lambda one: str(one)[:60]
)
def test_a_program_shows_the_signs_of_its_entry(name: str, row: list[str]) -> None:
    line = made_from(name, row[1])
    # With other words behind it it is none of the forms that only look (`looks.tsv`).
    shown = [signs(text) for text in (line, f"{line} x y", f"{line} --no-such-option-at-all")]
    assert any(set(row[4].split()) <= one for one in shown), line


def test_the_tables_use_published_words_only() -> None:
    for table in ("programs.tsv", "services.tsv"):
        for row in rows(table):
            assert row[2] == "-" or row[2] in KIND_NAMES
            assert set(cell(row[4])) <= set(SIGNS), row
    for row in rows("wrappers.tsv"):
        assert len(row) == 9, row
        assert set(cell(row[8])) <= set(SIGNS), row


PATHS = [
    tuple(line.split("\t")) for line in (TABLES / "paths.tsv").read_text(encoding="utf-8").splitlines() if "\t" in line
]
BY_CLASS = {
    "credential": ("cat", {"credential_read"}),
    "persistence": ("tee", {"persistence"}),
    "system": ("tee", {"system_write"}),
    "device": ("tee", {"raw_device"}),
    "trace": ("tee", {"trace_removal"}),
    "accounts": ("tee", {"account_change"}),
    "kernel": ("tee", {"kernel_change"}),
    "escape": ("cat", {"container_escape"}),
}


# What begins with the home of root is spelt `~` before it is compared.
WRITTEN_PATHS = [(kind, pattern) for kind, pattern in PATHS if not pattern.startswith("/root")]


@pytest.mark.parametrize(("kind", "pattern"), WRITTEN_PATHS, ids=str)
def test_a_name_of_a_known_file_is_recognized(kind: str, pattern: str) -> None:
    program, expected = BY_CLASS[kind]
    name = (
        pattern.replace("*", "x").replace("~/", "/home/ann/") if pattern.startswith("~") else pattern.replace("*", "x")
    )
    assert expected <= signs(f"{program} '{name}'"), name


def test_find_xargs_and_env_run_what_they_are_told() -> None:
    for line in (
        "find . -exec rm -rf / ;",
        r"find . -execdir rm -rf / \;",
        "find . -ok rm -rf / +",
        "echo / | xargs -n1 -P 4 rm -rf",
        "xargs -I{} sh -c 'rm -rf /'",
        "parallel rm -rf ::: /",
        "env -i A=1 -u B rm -rf /",
        "env -S 'rm -rf /'",
        "find / -delete",
    ):
        assert "delete_file" in kinds(line), line
    assert "write_file" in kinds("sed -i s/a/b/ f")
    targets = [target.name for item in command("find . -fprintf out x").operations for target in item.targets]
    assert targets == [".", "out"]


@pytest.mark.parametrize(
    "line",
    [
        "xargs -I{} cp /dev/null ~/.ssh/authorized_keys <<< x",
        "echo x | xargs -i mv a ~/.ssh/authorized_keys",
        "xargs --replace=% ln -sf a ~/.ssh/authorized_keys",
        "xargs cp /dev/null ~/.ssh/authorized_keys </dev/null",
        "xargs env /bin/cp /dev/null ~/.ssh/authorized_keys",
        "xargs -I{} -n1 cp a ~/.ssh/authorized_keys",
    ],
)
def test_xargs_is_judged_without_what_it_may_put_in_too(line: str) -> None:
    assert "persistence" in signs(line)


def test_xargs_in_xargs_that_may_put_in_nothing_is_unknown_in_no_time() -> None:
    assert "unknown" in kinds("xargs -I{} " * 3 + "cp /dev/null ~/.ssh/authorized_keys")
    assert "unknown" in kinds("xargs -I{} " * 500 + "ls")


def test_a_wrapper_without_a_command_is_a_program() -> None:
    assert programs("sudo -l") == ["sudo"]
    assert programs("env") == ["env"]
    assert programs("xargs") == ["xargs"]


def test_facts_of_tools_with_verbs_are_targets() -> None:
    for line, verb, resource in (
        ("git push origin feature/x", "push origin", "feature/x"),
        ("kubectl -n shop delete pod/web-0", "delete", "pod/web-0"),
        ("aws s3 rm s3://bucket/key", "s3 rm", "s3://bucket/key"),
        ("terraform destroy -target=module.x", "destroy", None),
        ("helm uninstall Web", "uninstall", "Web"),
    ):
        operation = command(line).operations[0]
        found = {target.type: target.name for target in operation.targets}
        assert found.get("verb") == verb, line
        assert found.get("resource") == resource, line
        assert facts(operation).program == line.split()[0]
