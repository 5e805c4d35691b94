"""Lines of a notebook."""

from __future__ import annotations

import pytest

from engine.command.parse import parse_command
from engine.command.python.magics import read_notebook
from engine.command.tree import Command


def tree(text: str) -> Command:
    return parse_command("python", text).command


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("!rm -rf /srv", "delete_file"),
        ("x = 1\n!rm -rf /srv\ny = 2", "delete_file"),
        ("if True:\n    !rm -rf /srv", "delete_file"),
        ("x = !rm -rf /srv", "delete_file"),
        ("!!rm -rf /srv", "delete_file"),
        ("%system rm -rf /srv", "delete_file"),
        ("x = %sx rm -rf /srv", "delete_file"),
        ("%rm -rf /srv", "delete_file"),
        ("!rm \\\n -rf /srv", "delete_file"),
        ("%%bash\nls\nrm -rf /srv", "delete_file"),
        ("%%script bash\nrm -rf /srv", "delete_file"),
        ("%%bash\rrm -rf /srv", "delete_file"),
        ("%%bash\r\nrm -rf /srv", "delete_file"),
        ("%%sx rm -rf /srv\nls", "delete_file"),
        ("x = 1\r!rm -rf /srv\ry = 2", "delete_file"),
        ("%pip install x", "package"),
        ("rm -rf /data", "delete_file"),
        ("rm -rf or data", "delete_file"),
        ("rm .env", "delete_file"),
        ("rm\t.env", "delete_file"),
        ("\n  rm .env\n", "delete_file"),
        ("In [1]: rm .env", "delete_file"),
        ("ls ;rm .env", "delete_file"),
        ("rm -rf /data/*", "delete_file"),
        ("pip install x", "package"),
        ("%%time\nrm -rf /data", "delete_file"),
        ("%%capture\nrm .env\n", "delete_file"),
    ],
)
def test_what_a_line_runs_is_listed(text: str, kind: str) -> None:
    command = tree(text)
    assert kind in {one.kind for one in command.operations}
    assert "notebook" in command.features


@pytest.mark.parametrize(
    "text",
    [
        "!echo {x}",
        "!echo $x",
        "%run x.py",
        "%load_ext x",
        "%%javascript\n1",
        "%%script perl\n1",
        "%%bash -c 'rm -rf /srv'",
        "run .x",
        "run (x)",
        "%%time\nrun .x",
        "sx {id}",
        "env",
        "set_env -x",
        "%%script bash -c 'rm -rf /srv'\nls",
        "# x\f!rm -rf /srv",
        "%%bash\frm -rf /srv",
        "%env A=1\n!",
        "x = '''\n!ls\n'''\n!ls",
    ],
)
def test_what_is_not_understood_is_not_complete(text: str) -> None:
    assert not tree(text).complete


def test_plain_lines_stay_what_they_are() -> None:
    command = tree("import os\n!ls\nos.system('id')")
    assert command.complete
    (found,) = [one for one in command.operations if one.python is not None and one.python.function == "os.system"]
    assert command.text.encode()[slice(*found.span)] == b"os.system('id')"


def test_lines_are_those_that_python_counts() -> None:
    command = tree("%\ngetattr(os,\r\r\rinput())('id')")
    assert all(start <= end for start, end in (one.span for one in command.operations))
    (found,) = [one for one in tree("!ls\rimport os\ros.system('id')").operations if one.kind == "run_process"]
    assert found.span == (14, 29)


@pytest.mark.parametrize(
    "text",
    [
        "ls = 1",
        "ls, cat = 1, 2",
        "ls == 1",
        "time.monotonic()",
        "config",
        "who",
        "x = 1\nrm -rf",
        "# x\nrm .env",
        "rm.env",
        "lsx - 1",
    ],
)
def test_what_a_notebook_runs_as_python_is_no_magic(text: str) -> None:
    assert "notebook" not in tree(text).features


def test_a_line_that_is_both_is_both() -> None:
    command = tree("cat /open('x')/y")
    assert {"notebook"} <= set(command.features)
    assert {"read_file"} <= {one.kind for one in command.operations}
    assert any(one.shell is not None and one.shell.program == "cat" for one in tree("cat /etc/passwd").operations)


def test_a_form_feed_may_begin_a_line() -> None:
    assert tree("x = 1\n\f\ny = 2").complete


def test_a_cell_of_time_is_python() -> None:
    command = tree("%%time\nimport os\nos.system('id')")
    assert command.complete
    assert "run_process" in {one.kind for one in command.operations}


def test_a_text_without_such_lines_is_no_notebook() -> None:
    assert read_notebook("x = 1") is None
    assert "notebook" not in tree("x = (1\n!= 2)").features
