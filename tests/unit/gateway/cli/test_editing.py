"""`lsp`: its grammar, and what it says where it is not installed. The server is `tests/unit/gateway/editor`'s."""

from __future__ import annotations

import json
import sys

import pytest

from gateway.cli import main


def test_the_grammar_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lsp", "--grammar"]) == 0
    assert json.loads(capsys.readouterr().out)["scopeName"] == "source.gate"


def test_without_its_library_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "gateway.editor.server", raising=False)
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    assert main(["lsp"]) == 3
    assert 'pip install "sallyport[lsp]"' in capsys.readouterr().err
