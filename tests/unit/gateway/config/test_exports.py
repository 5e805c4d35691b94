"""`[[audit.export]]`: a place of its kind, encrypted unless it is this machine, secrets by reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config import Config
from gateway.config.audited import AuditExport, ExportKind
from gateway.config.exports import find_export_misfits, is_postable
from gateway.config.model import Audit

SYSLOG = {"name": "siem", "kind": ExportKind.SYSLOG, "to": "logs.example:6514"}
WEB = {"name": "siem", "kind": ExportKind.HTTP, "to": "https://logs.example/in"}
FILE = {"name": "siem", "kind": ExportKind.FILE, "to": "out/audit.jsonl"}


def misfits(folder: Path, fields: dict[str, object]) -> list[str]:
    (folder / "ca.pem").write_text("")
    export = AuditExport(**fields)  # type: ignore[arg-type]  # fields of a test
    config = replace(Config(), audit=Audit(export=(export,)), folder=folder)
    return [".".join(str(part) for part in path) for path, _ in find_export_misfits(config)]


@pytest.mark.parametrize(
    "fields",
    [
        SYSLOG,
        {**SYSLOG, "ca_file": "ca.pem"},
        WEB,
        {**WEB, "token": "env:TOKEN", "ca_file": "ca.pem"},
        {**WEB, "kind": ExportKind.OTLP, "to": "http://127.0.0.1:4318/v1/logs"},
        FILE,
    ],
)
def test_what_fits_is_accepted(tmp_path: Path, fields: dict[str, object]) -> None:
    assert misfits(tmp_path, fields) == []


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({**SYSLOG, "name": "../siem"}, "name"),
        ({**SYSLOG, "to": "logs.example"}, "to"),
        ({**SYSLOG, "token": "env:TOKEN"}, "token"),
        ({**SYSLOG, "ca_file": "nowhere"}, "ca_file"),
        ({**WEB, "to": "http://logs.example/in"}, "to"),
        ({**WEB, "to": "http://localhost/in"}, "to"),
        ({**WEB, "to": "https://me:secret@logs.example/in"}, "to"),
        ({**WEB, "to": "https:///in"}, "to"),
        ({**WEB, "to": "ftp://logs.example/in"}, "to"),
        ({**WEB, "to": "https://logs.example:99999/in"}, "to"),
        ({**WEB, "to": "https://logs.example/in\r\nX: y"}, "to"),
        ({**WEB, "token": "not a reference"}, "token"),
        ({**FILE, "ca_file": "ca.pem"}, "ca_file"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, fields: dict[str, object], key: str) -> None:
    assert misfits(tmp_path, fields) == [f"audit.export.0.{key}"]


@pytest.mark.parametrize(
    "url", ["", "hooks.example", "http://hooks.example", "https://a b", "https://u@h/", "https://h:0/", "//h"]
)
def test_what_may_not_be_posted_to_is_told_apart(url: str) -> None:
    assert not is_postable(url)
    assert is_postable("https://hooks.example/x?y=1")
    assert is_postable("http://127.0.0.1:8080/x")
