"""What arguments mean: paths, command lines, destinations, SQL, names of variables."""

from __future__ import annotations

import ast

import pytest

from engine.command.parse import parse_command
from engine.command.python.arguments import Given, meaning, read_call, signs_of_variable
from engine.command.python.table import Role, Row
from engine.command.python.values import ANYTHING, Const
from engine.command.tree import Operation


def the(kind: str, text: str) -> Operation:
    found = [one for one in parse_command("python", text).command.operations if one.kind == kind]
    assert found, text
    return found[0]


def facts(kind: str, text: str) -> tuple[list[str], set[str]]:
    one = the(kind, text)
    assert one.python is not None
    return [target.name for target in one.targets], set(one.python.signs)


@pytest.mark.parametrize(
    ("text", "kind", "targets"),
    [
        ("open('/etc/hosts')", "read_file", ["/etc/hosts"]),
        ("open(b'/etc/hosts', 'rb')", "read_file", ["/etc/hosts"]),
        ("open(file='/tmp/x', mode='w')", "write_file", ["/tmp/x"]),
        ("open('/tmp/x', 'r+')", "write_file", ["/tmp/x"]),
        ("from pathlib import Path\n(Path('/etc') / 'x').read_text()", "read_file", ["/etc/x"]),
        ("from pathlib import Path\nPath('/tmp/x').open('w')", "write_file", ["/tmp/x"]),
        ("from pathlib import Path\nPath('/tmp/x').replace('/tmp/y')", "move_file", ["/tmp/x", "/tmp/y"]),
        ("import os\nos.remove('/tmp/x')", "delete_file", ["/tmp/x"]),
        ("import shutil\nshutil.copy('/tmp/a', '/tmp/b')", "copy_file", ["/tmp/a", "/tmp/b"]),
        ("import os\nos.symlink('/a', '/b')", "create_file", ["/a", "/b"]),
        ("import subprocess\nsubprocess.run(['ls', '-l'])", "run_process", ["ls"]),
        ("import socket\nsocket.create_connection(('h.example', 25))", "connect", ["h.example:25"]),
        ("import smtplib\nsmtplib.SMTP('mail.example', 587)", "connect", ["mail.example:587"]),
        ("import smtplib\nsmtplib.SMTP(host='mail.example')", "connect", ["mail.example"]),
        ("import requests\nrequests.get('https://x.example:8443/a')", "fetch", ["x.example:8443"]),
        ("import urllib.request as u\nu.urlopen('file:///etc/passwd')", "fetch", ["/etc/passwd"]),
        ("import urllib.request as u\nu.urlopen(u.Request('https://x.example/'))", "fetch", ["x.example"]),
        ("import pandas\npandas.read_csv('https://x.example/a.csv')", "read_file", ["x.example"]),
        ("import requests\nrequests.get(f'https://x.example/{input()}')", "fetch", ["x.example"]),
        ("import requests\nrequests.get('https://x.example/?q=' + input())", "fetch", ["x.example"]),
        ("import requests\nrequests.get('https://x.example/%s' % input())", "fetch", ["x.example"]),
        ("import requests\nrequests.get('https://x.example/{}'.format(input()))", "fetch", ["x.example"]),
        ("import requests\nrequests.get(f'https://x.{input()}')", "fetch", []),
        ("import pandas\npandas.DataFrame().to_csv('s3://bucket/x')", "write_file", ["bucket"]),
        ("import logging\nlogging.FileHandler('/tmp/x')", "write_file", ["/tmp/x"]),
        ("def f(t):\n    t.write('/tmp/x')", "write_file", ["/tmp/x"]),
        ("import zipfile\nzipfile.ZipFile('/tmp/x').write('/etc/hosts')", "archive", ["/etc/hosts"]),
        ("import os\nos.getenv('HOME')", "read_environment", ["HOME"]),
        ("import os\nos.environ['HOME']", "read_environment", ["HOME"]),
        ("import os\nos.environ['X'] = '1'", "write_environment", ["X"]),
    ],
)
def test_targets(text: str, kind: str, targets: list[str]) -> None:
    assert facts(kind, text)[0] == targets


@pytest.mark.parametrize(
    ("text", "kind", "sign"),
    [
        ("open('/etc/shadow')", "read_file", "credential_read"),
        ("open('/etc/../etc//shadow')", "read_file", "credential_read"),
        ("import os\nopen(os.path.expanduser('~/.ssh/id_rsa'))", "read_file", "credential_read"),
        ("open('/etc/cron.d/x', 'w')", "write_file", "persistence"),
        ("open('json.py', 'w')", "write_file", "writes_code"),
        ("open(input())", "read_file", "dynamic"),
        ("open('x', input())", "write_file", "dynamic"),
        ("open(*input())", "write_file", "dynamic"),
        ("import shutil\nshutil.rmtree('/srv')", "delete_file", "outside_delete"),
        ("import requests\nrequests.get('http://169.254.169.254/')", "fetch", "metadata_host"),
        ("import requests\nrequests.get('http://127.0.0.1/')", "fetch", "loopback_host"),
        ("import requests\nrequests.get('https://x.example/', verify=False)", "fetch", "unverified_server"),
        ("import requests\nrequests.get('https://x.example/' + input())", "fetch", "sends_data"),
        ("import requests\nrequests.get('https://x.example/', params=input())", "fetch", "sends_data"),
        ("import urllib.request as u\nu.urlopen('https://x.example/', input())", "send", "sends_data"),
        ("import pandas\npandas.read_csv(input())", "read_file", "may_fetch"),
        ("import pandas\npandas.read_csv('https://x.example/?' + input())", "read_file", "sends_data"),
        ("import pandas\npandas.DataFrame().to_csv('s3://bucket/x')", "write_file", "sends_data"),
        ("import argparse\nargparse.ArgumentParser(fromfile_prefix_chars='@')", "read_file", "dynamic"),
        (
            "import xml.etree.ElementTree as e\nprint(e.parse('a'))\nt = e.parse('a')\nprint(t)",
            "write_file",
            "reference",
        ),
        ("import os\nos.getenv('AWS_SECRET_ACCESS_KEY')", "read_environment", "credential_read"),
        ("import os\nos.environ['LD_PRELOAD'] = 'x'", "write_environment", "execution_variable"),
        ("import os\nos.environ[input()]", "read_environment", "dynamic"),
        ("import subprocess\nsubprocess.run('ls', shell=True)", "run_process", "shell_text"),
        ("import subprocess\nsubprocess.run(['ls'], env={})", "run_process", "environment_given"),
        ("import subprocess\nsubprocess.run(['ls', input()])", "run_process", "dynamic"),
    ],
)
def test_signs(text: str, kind: str, sign: str) -> None:
    assert sign in facts(kind, text)[1]


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("import subprocess\nsubprocess.run(['ls', '-l'])", True),
        ("import subprocess\nsubprocess.run(('ls', '-l'), check=True)", True),
        ("import subprocess\nsubprocess.run('ls -l', shell=True)", True),
        ("import subprocess\nsubprocess.run(['ls', input()])", False),
        ("import subprocess\nsubprocess.run(['sh'], input='id')", False),
        ("import subprocess\nsubprocess.run(['sh', '-c', input()])", False),
        ("import subprocess\nsubprocess.run(['x', 'y'], shell=input())", False),
        ("import subprocess\nsubprocess.run([])", False),
        ("import subprocess\nsubprocess.run()", False),
        ("import os\nos.execlp('ls', 'ls', '-l')", True),
        ("import os\nos.execlp('ls', 'ls', *input())", False),
    ],
)
def test_whether_a_process_is_seen(text: str, complete: bool) -> None:
    assert parse_command("python", text).command.complete is complete


@pytest.mark.parametrize(
    "call",
    [
        "execv('/x/rm', ['ls', '/etc/x'])",
        "execl('/x/rm', 'ls', '/etc/x')",
        "execve('/x/rm', ['ls', '/etc/x'], {})",
        "spawnv(os.P_WAIT, '/x/rm', ['ls', '/etc/x'])",
        "spawnlp(os.P_WAIT, '/x/rm', 'ls', '/etc/x')",
        "posix_spawn('/x/rm', ['ls', '/etc/x'], {})",
    ],
)
def test_the_file_that_runs_counts_and_not_only_what_it_is_told_it_is_called(call: str) -> None:
    command = parse_command("python", f"import os\nos.{call}").command
    assert [target.name for target in the("run_process", f"import os\nos.{call}").targets] == ["ls", "/x/rm"]
    assert {"inspect", "run_file", "delete_file"} <= {one.kind for one in command.operations}
    hidden = call.replace("'/x/rm'", "os.environ['X']")
    assert not parse_command("python", f"import os\nos.{hidden}").command.complete


def test_sql_is_read_with_the_places_for_values() -> None:
    for text in (
        "SELECT a FROM t WHERE b = %s",
        "SELECT a FROM t WHERE b = ?",
        "SELECT a FROM t WHERE b = :b AND c = '%s'",
    ):
        command = parse_command("python", f"import psycopg\npsycopg.connect('x').execute({text!r}, (1,))").command
        assert command.complete, text
        assert "select" in {one.kind for one in command.operations}


def test_sql_behind_a_cursor_nobody_knows_is_read_as_well() -> None:
    command = parse_command("python", "def f(c):\n    c.execute('DROP TABLE x; SELECT 1')").command
    assert {"database", "drop_table", "select"} <= {one.kind for one in command.operations}


def test_arguments_that_may_hold_more() -> None:
    call = ast.parse("f('a', *b, **c)", mode="eval").body
    assert isinstance(call, ast.Call)
    given = read_call(call, lambda node: frozenset({Const("a")}) if isinstance(node, ast.Constant) else ANYTHING)
    assert given.is_open
    assert given.texts() == ("a",)
    assert given.at(Role("read", 3)) == ANYTHING
    assert Given((frozenset({Const("a")}),)).at(Role("read", 3)) is None


def test_a_path_that_a_table_spells_otherwise_does_not_vanish() -> None:
    given = Given((), {"filename": frozenset({Const("/etc/shadow")})})
    assert "dynamic" in meaning("x", Row("read_file", (), (Role("read", 0, "path"),)), given, None).signs


def test_variables() -> None:
    assert signs_of_variable("GITHUB_TOKEN") == {"credential_read"}
    assert signs_of_variable("PATH") == {"execution_variable"}
    assert signs_of_variable("HOME") == {"execution_variable"}
    assert signs_of_variable("LANG") == set()
    assert signs_of_variable("a b") == set()
