"""The alerts that are shipped, evaluated: by `promtool` on numbers, and by a real Prometheus that reads a real gateway's."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from gateway.demo.cluster import free_port
from tests.conftest import ROOT, missing
from tests.e2e.world import World, world
from tests.interop.metrics.cases import CASES, Case

FILE = ROOT / "docs" / "alerts.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]
SELECTED = re.compile(r"\b(sallyport_\w+)(\{[^}]*\})?")
LABEL = re.compile(r'(\w+)\s*(?:=~|=|!=|!~)\s*"')
WHERE = {"job": "sallyport", "instance": "gw:9464"}
POLICY = """\
package policies.world

allow contains {"code": "READ", "reason": "reading"} if {
	every op in input.command.operations { op.effect in {"read", "session"} }
}

hold contains {"code": "LOOK", "reason": "somebody looks first", "approvers": {"groups": ["ops"]}, "expires": "5m"} if {
	some op in input.command.operations
	op.effect == "delete"
}
"""


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        missing(f"{name} (apt: prometheus)")
    return str(found)


def until(wanted: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not wanted():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway at work, and where its numbers are."""

    gateway: World
    port: int

    def numbers(self) -> str:
        return read(f"http://127.0.0.1:{self.port}/metrics")

    def series(self) -> dict[str, set[frozenset[str]]]:
        """The names of what it tells, and with which labels."""
        found = dict[str, set[frozenset[str]]]()
        for family in text_string_to_metric_families(self.numbers()):
            for sample in family.samples:
                found.setdefault(sample.name, set()).add(frozenset(sample.labels))
        return found


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """One that allowed, denied, held, failed to export, refused a login, and could not reload a certificate."""
    with world(POLICY) as here:
        port = free_port()
        more = f"""
[metrics]
bind = "127.0.0.1:{port}"

[[audit.export]]
name = "siem"
kind = "http"
to = "http://127.0.0.1:{free_port()}/events"
"""
        here.config.write_text(here.config.read_text() + more)
        here.start()
        waiting = threading.Thread(target=hold, args=(here,), daemon=True)
        with psycopg.connect(here.conninfo(), autocommit=True) as client:
            client.execute("SELECT 1")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                client.execute("CREATE TABLE a (b int)")
        waiting.start()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(here.conninfo(password=secrets.token_hex(8)))
        (here.folder / "server.key").write_text("nothing")
        assert here.process is not None
        here.process.send_signal(1)
        found = Watched(here, port)
        until(lambda: " 1.0" in line_of(found.numbers(), "sallyport_holds_open "))
        until(lambda: 'sallyport_audit_export_failures_total{export="siem"}' in found.numbers())
        until(lambda: 'sallyport_reload_failing{part="the certificate' in found.numbers())
        yield found


def hold(here: World) -> None:
    """A command that nobody decides about until the gateway ends."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(here.conninfo(), autocommit=True) as client:
        client.execute("DELETE FROM a")


def line_of(numbers: str, name: str) -> str:
    return next((line for line in numbers.splitlines() if line.startswith(name)), "")


def test_every_number_and_label_of_every_alert_is_told_by_a_real_gateway(watched: Watched) -> None:
    series = watched.series()
    for rule in RULES:
        for name, selector in SELECTED.findall(rule["expr"]):
            labels = set(LABEL.findall(selector))
            assert any(labels <= has for has in series.get(name, ())), (rule["alert"], name, labels)
    for case in CASES:
        for one in case.series.keys() - {"up"}:
            name, labels = split(one)
            assert frozenset(labels) in series.get(name, ()), (case.alert, one)


def test_every_kind_of_denial_is_told_before_there_was_one(watched: Watched) -> None:
    """What begins with its first number is no rise to Prometheus: a burst between two looks would be told by nobody."""
    numbers = watched.numbers()
    (expression,) = (rule["expr"] for rule in RULES if rule["alert"] == "SallyportFailsClosed")
    kinds = re.search(r'deny_kind=~"([^"]*)"', expression)
    assert kinds is not None
    for kind in kinds[1].split("|"):
        assert f'sallyport_decisions_total{{deny_kind="{kind}",verdict="deny"}} 0.0' in numbers, kind


def split(series: str) -> tuple[str, dict[str, str]]:
    name, _, labels = series.partition("{")
    return name, dict(re.findall(r'(\w+)="([^"]*)"', labels))


def located(series: str) -> str:
    name, labels = split(series)
    inside = ",".join(f'{key}="{value}"' for key, value in {**labels, **WHERE}.items())
    return f"{name}{{{inside}}}"


def rule_test(case: Case) -> dict[str, object]:
    """One test as `promtool` has it."""
    (rule,) = (rule for rule in RULES if rule["alert"] == f"Sallyport{case.alert}")
    expected = []
    if case.is_told:
        places = {"instance": WHERE["instance"]} if case.is_of_all else WHERE
        summary = rule["annotations"]["summary"]
        for name, value in case.labels.items():
            summary = summary.replace("{{ $labels." + name + " }}", value)
        assert "{{" not in summary, summary
        expected.append(
            {"exp_labels": {**rule["labels"], **places, **case.labels}, "exp_annotations": {"summary": summary}}
        )
    return {
        "interval": "1m",
        "input_series": [{"series": located(name), "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": rule["alert"], "exp_alerts": expected}],
    }


def test_prometheus_own_tool_takes_the_rules() -> None:
    said = subprocess.run([tool("promtool"), "check", "rules", str(FILE)], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


def test_each_alert_is_told_when_it_should_be_and_only_then(tmp_path: Path) -> None:
    names = {rule["alert"].removeprefix("Sallyport") for rule in RULES}
    for is_told in (True, False):
        assert {case.alert for case in CASES if case.is_told is is_told} == names
    nobody = {"interval": "1m", "input_series": [], "alert_rule_test": [absent()]}
    shutil.copy(FILE, tmp_path / "alerts.yaml")
    tests = {"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": [*map(rule_test, CASES), nobody]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    said = subprocess.run(
        [tool("promtool"), "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stdout + said.stderr


def absent() -> dict[str, object]:
    """Where Prometheus has nobody to ask at all."""
    (rule,) = (rule for rule in RULES if rule["alert"] == "SallyportDown")
    labels = {**rule["labels"], "job": "sallyport"}
    return {
        "eval_time": "3m",
        "alertname": rule["alert"],
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": rule["annotations"]}],
    }


# --- a real Prometheus


@pytest.fixture(scope="module")
def prometheus(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one that reads the gateway every second, by the rules as shipped but for their patience."""
    program, folder, port = tool("prometheus"), tmp_path_factory.mktemp("prometheus"), free_port()
    rules = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        rule.pop("for", None)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yaml"],
        "scrape_configs": [
            {"job_name": "sallyport", "static_configs": [{"targets": [f"127.0.0.1:{watched.port}"]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    options += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "log").open("wb") as log, subprocess.Popen([program, *options], stdout=log, stderr=log) as running:
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: is_up(address))
            yield address
        finally:
            running.terminate()


def asked(address: str, query: str) -> list[dict[str, Any]]:
    said = json.loads(read(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"))
    return list(said["data"]["result"])


def is_up(address: str) -> bool:
    try:
        return any(one["value"][1] == "1" for one in asked(address, 'up{job="sallyport"}'))
    except OSError:
        return False


def firing(address: str) -> dict[str, list[dict[str, str]]]:
    said = json.loads(read(f"{address}/api/v1/alerts"))["data"]["alerts"]
    found = dict[str, list[dict[str, str]]]()
    for one in said:
        if one["state"] == "firing":
            found.setdefault(one["labels"]["alertname"].removeprefix("Sallyport"), []).append(one["labels"])
    return found


def rules_of(address: str) -> list[dict[str, Any]]:
    (group,) = json.loads(read(f"{address}/api/v1/rules"))["data"]["groups"]
    return list(group["rules"])


def test_a_real_prometheus_evaluates_them_over_a_real_gateway(watched: Watched, prometheus: str) -> None:
    until(lambda: all(rule["health"] == "ok" for rule in rules_of(prometheus)))
    assert len(rules_of(prometheus)) == len(RULES)
    for rule in RULES:
        for name, selector in SELECTED.findall(rule["expr"]):
            assert asked(prometheus, f"count({name}{selector})"), (rule["alert"], name, selector)

    # The certificate of this place ends within two days, and could not be loaded again. Nothing else is wrong, for longer than a moment:
    # a machine that is busy may keep the store waiting, and these rules have no patience.
    wrong = {"ReloadFails", "CertificateEnds", "CertificateEndsSoon"}
    until(lambda: firing(prometheus).keys() == wrong)
    now = firing(prometheus)
    assert now.keys() >= wrong
    where = f"127.0.0.1:{watched.gateway.port}"
    assert [labels["part"] for labels in now["ReloadFails"]] == [f"the certificate of {where}"]
    assert [labels["where"] for labels in now["CertificateEnds"]] == [where]

    watched.gateway.kill()
    until(lambda: "Down" in firing(prometheus))
