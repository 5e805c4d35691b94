"""The files of one run with the team."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

from engine.command.parse import parse_command
from gateway.config import load_config
from gateway.demo.autogen.host import Host
from gateway.demo.autogen.stage import AGENT, Ports, configuration, script, team_settings, write_project, write_team
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import Cluster
from gateway.demo.sample import sample_rows
from gateway.demo.stage import keep

_, ORDERS, _ = sample_rows()
PORTS = Ports(1, 2, 3)


def test_the_configuration_is_one(tmp_path: Path) -> None:
    cluster = Cluster(5432, "postgres", "unused", tmp_path)
    host = Host(22, "me", tmp_path / "key", tmp_path / "known_hosts")
    (tmp_path / "policies").mkdir()
    certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
    keep(tmp_path / "gateway.crt", certificate.certificate)
    keep(tmp_path / "gateway.key", certificate.key)
    host.known_hosts.touch()
    file = tmp_path / "sallyport.toml"
    file.write_text(configuration(tmp_path, cluster, host, tmp_path / "policies", PORTS))
    config = load_config(file, {})
    assert {one.name for one in config.resource} == {"shop", "host"}
    assert {one.name: one.groups for one in config.identity.principal}[AGENT] == ("agents",)


def test_the_team_has_no_credential_but_the_jobs_token(tmp_path: Path) -> None:
    settings = team_settings(tmp_path, PORTS)
    assert "password" not in settings["conninfo"]
    assert settings["token"].endswith("job.token")
    assert "PubkeyAuthentication=no" in settings["ssh"]


def test_the_team_is_started_with_one_file(tmp_path: Path) -> None:
    place = write_team(tmp_path, PORTS, tmp_path / "project", ORDERS, "ssh-ed25519 AAAA host")
    told = json.loads(place.read_text())
    assert json.loads(Path(told["script"]).read_text())["prompt"]
    assert (tmp_path / "askpass").stat().st_mode & 0o777 == 0o700
    assert place.stat().st_mode & 0o077 == 0


def test_the_project_has_every_order(tmp_path: Path) -> None:
    write_project(tmp_path / "project", ORDERS)
    lines = (tmp_path / "project" / "orders.csv").read_text().splitlines()
    assert lines[0].startswith("id,")
    assert len(lines) == len(ORDERS.rows) + 1


def test_the_models_blocks_are_what_the_story_needs(tmp_path: Path) -> None:
    code = script(tmp_path, ORDERS)["code"]
    assert isinstance(code, list)
    programs = [found[1] for block in code if (found := re.fullmatch(r"```python\n(.*)\n```", block, re.DOTALL))]
    leaky, honest = (parse_command("python", program).command for program in programs)
    assert {"exfiltration", "secret_literal"} <= set(leaky.features)
    assert honest.complete
    assert not honest.features or set(honest.features) == {"reads_data"}
