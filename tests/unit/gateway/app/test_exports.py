"""Exports of a whole gateway: each is built from its part of the configuration, runs, and says how far behind it is."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.app.exports import FOLDER, Exports, audit_exports
from gateway.audit.export.otlp import OtlpSink
from gateway.audit.export.shapes import notes_in
from gateway.audit.export.syslog import SyslogSink
from gateway.audit.export.web import WebSink
from gateway.audit.log import segments
from gateway.audit.sealing import FILE
from gateway.audit.verify import verify_log
from gateway.cli import main
from gateway.config import Config, load_config
from gateway.config.audited import AuditExport, ExportFormat, ExportKind
from gateway.errors import AuditUnavailable
from gateway.telemetry import Meters
from tests.receivers import http_receiver
from tests.strategies.audit_logs import ORIGIN, sealed_log, signing_key
from tests.strategies.gateways import ENVIRONMENT, settle_in

TOKEN = secrets.token_urlsafe(24)


def configured(folder: Path, *exports: AuditExport) -> Config:
    config = load_config(settle_in(folder), {})
    return replace(config, audit=replace(config.audit, export=exports))


async def test_a_gateway_sends_its_audit_on_until_it_ends(tmp_path: Path) -> None:
    with http_receiver() as posted:
        config = configured(
            tmp_path,
            AuditExport("web", ExportKind.HTTP, posted.url, ExportFormat.NATIVE, token="env:EXPORT_TOKEN"),
            AuditExport("file", ExportKind.FILE, "out.jsonl"),
        )
        gateway = Gateway(config, {**ENVIRONMENT, "EXPORT_TOKEN": TOKEN})
        await gateway.start(listeners=False)
        await gateway.stop(0.1)
        gateway.close()
    came = [json.loads(line) for body in posted.bodies for line in body.splitlines()]
    sent = [event for event in came if event["kind"] != "checkpoint"]
    assert [event["kind"] for event in sent] == ["policy", "started", "stopped"]
    assert posted.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    written = [event for event in written if event["metadata"]["event_code"] != "checkpoint"]
    assert [event["metadata"]["uid"] for event in written] == [event["uid"] for event in sent]


def test_the_checkpoints_that_were_sent_show_a_log_that_was_cut_off_together_with_its_own(tmp_path: Path) -> None:
    directory = tmp_path / "audit"
    sealed_log(directory, 40, segment_bytes=64 << 20)
    for form in ExportFormat:
        (tmp_path / form).mkdir()
        config = configured(
            tmp_path / form, AuditExport("file", ExportKind.FILE, str(tmp_path / f"{form}.jsonl"), form)
        )
        config = replace(config, audit=replace(config.audit, dir=str(directory)))
        (exporter,) = audit_exports(config, {}, ORIGIN, Meters())
        while exporter.step():
            pass
        (directory / "export" / "file").unlink()
    (path,) = segments(directory)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:30]))
    (directory / FILE).write_bytes(b"".join((directory / FILE).read_bytes().splitlines(keepends=True)[:3]))
    trusted = [signing_key().public]
    assert verify_log(directory, trusted).is_whole
    for form in ExportFormat:
        kept = notes_in((tmp_path / f"{form}.jsonl").read_text())
        assert [one.code for one in verify_log(directory, trusted, kept=kept).findings] == ["CUT"], form
        assert main(["audit", "verify", "--dir", str(directory), "--key", trusted[0].print()]) == 0
        arguments = ["--checkpoint", str(tmp_path / f"{form}.jsonl"), "--key", trusted[0].print()]
        assert main(["audit", "verify", "--dir", str(directory), *arguments]) == 1


def test_each_kind_has_its_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for sink in (SyslogSink, OtlpSink, WebSink):
        monkeypatch.setattr(
            f"gateway.app.exports.{sink.__name__}",
            lambda *given, name=sink.__name__: made.append(f"{name} {given[:-1]}"),  # type: ignore[misc]  # bound now
        )
    config = configured(
        tmp_path,
        AuditExport("a", ExportKind.SYSLOG, "logs:6514"),
        AuditExport("b", ExportKind.OTLP, "https://c/v1/logs", token="env:T"),
        AuditExport("c", ExportKind.HTTP, "https://c/in"),
    )
    audit_exports(config, {"b": "t"}, "log/a", Meters())
    assert made == [
        "SyslogSink ('logs', 6514)",
        "OtlpSink ('https://c/v1/logs', {'Authorization': 'Bearer t'})",
        "WebSink ('https://c/in', {})",
    ]


def test_how_far_an_export_is_behind_is_told(tmp_path: Path) -> None:
    meters = Meters()
    config = configured(tmp_path, AuditExport("a", ExportKind.FILE, "x"))
    exports = Exports(audit_exports(config, {}, "log/a", meters), meters)
    exports.tell(7)
    assert re.search(rb'sallyport_audit_export_behind\{export="a"\} 7\.0', meters.text())
    exports.close()


def test_a_place_of_another_log_stops_the_start(tmp_path: Path) -> None:
    config = configured(tmp_path, AuditExport("a", ExportKind.FILE, "x"))
    folder = config.at(config.audit.dir) / FOLDER
    folder.mkdir(parents=True)
    (folder / "a").write_text('{"log":"another","seq":3}')
    with pytest.raises(AuditUnavailable, match="is no place in the log"):
        Gateway(config, ENVIRONMENT)
