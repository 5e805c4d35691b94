from __future__ import annotations

import pwd
import socket
import sys
from pathlib import Path

import pytest

from gateway.demo.binaries import Binaries, DemoUnavailable
from gateway.demo.certificates import Certificate
from gateway.demo.cluster import Owner, free_port, running_cluster, server_owner

PAPERS = Certificate(certificate=b"certificate", key=b"key")

INITDB = """#!/bin/sh
for word; do case $word in --pgdata=*) data=${word#--pgdata=};; --pwfile=*) cp "${word#--pwfile=}" "$(dirname "$0")/seen";; esac; done
mkdir "$data"; : >"$data/postgresql.conf"; env | grep -c '^PG' >"$(dirname "$0")/leaked" || :
"""

# WHY not a shell: where SIGINT was ignored at the start (a job in the background), a shell cannot trap it; PostgreSQL can.
POSTGRES = f"""#!{sys.executable}
import pathlib, signal, sys

data = pathlib.Path(sys.argv[2])


def stop(*_):
    pathlib.Path(__file__).with_name("stopped").touch()
    sys.exit(0)


signal.signal(signal.SIGINT, stop)
(data / "postmaster.pid").write_text("1\\n" + str(data) + "\\n2\\n3\\n4\\n5\\n6\\nready   \\n")
while True:
    signal.pause()
"""


def binaries(folder: Path, initdb: str = INITDB, postgres: str = POSTGRES) -> Binaries:
    """Programs that behave as PostgreSQL's do from outside, so that the steps can be seen without a server."""
    for name, text in (("initdb", initdb), ("postgres", postgres)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return Binaries(folder / "initdb", folder / "postgres", None)


def test_an_ordinary_user_runs_the_server_as_themselves() -> None:
    assert server_owner(1000) == Owner()


def test_root_never_runs_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.struct_passwd(("nobody", "x", 65534, 65533, "", "/", "/bin/false"))

    def only_nobody(name: str) -> pwd.struct_passwd:
        if name == "nobody":
            return nobody
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", only_nobody)
    assert server_owner(0) == Owner(65534, 65533)


def test_root_without_another_user_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_at_all(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody_at_all)
    with pytest.raises(DemoUnavailable) as refused:
        server_owner(0)
    assert refused.value.help == "run the demo as an ordinary user"


def test_a_server_is_made_run_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/somewhere/else")
    programs = binaries(tmp_path)
    with running_cluster(programs, tmp_path / "run", "shop", PAPERS, Owner()) as cluster:
        assert cluster.user == "shop"
        assert (tmp_path / "seen").read_text() == cluster.password + "\n"
        assert not (tmp_path / "run" / "password").exists()
        assert cluster.password not in repr(cluster)
        data = tmp_path / "run" / "data"
        assert "scram-sha-256" in (data / "pg_hba.conf").read_text()
        assert "trust" not in (data / "pg_hba.conf").read_text()
        assert "listen_addresses = '127.0.0.1'" in (data / "postgresql.conf").read_text()
        assert (data / "server.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "stopped").exists()
    assert (tmp_path / "leaked").read_text().strip() == "0"


def test_a_failing_initdb_is_reported_with_its_last_line(tmp_path: Path) -> None:
    programs = binaries(tmp_path, initdb="#!/bin/sh\necho first >&2\necho no space left >&2\nexit 1\n")
    with (
        pytest.raises(DemoUnavailable, match="no space left"),
        running_cluster(programs, tmp_path / "run", "shop", PAPERS, Owner()),
    ):
        pass


def test_a_server_that_ends_at_once_is_reported_with_its_last_line(tmp_path: Path) -> None:
    programs = binaries(tmp_path, postgres="#!/bin/sh\necho FATAL: could not map memory >&2\nexit 3\n")
    with (
        pytest.raises(DemoUnavailable, match="status 3.*could not map memory"),
        running_cluster(programs, tmp_path / "run", "shop", PAPERS, Owner()),
    ):
        pass


def test_a_free_port_is_one_that_can_be_bound_and_no_connection_is_given() -> None:
    with socket.socket() as first, socket.socket() as second:
        port = free_port(2)
        first.bind(("127.0.0.1", port))
        second.bind(("127.0.0.1", port + 1))
        assert port < 32768


def test_of_ports_in_a_row_none_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port(2)
    offers = iter([port - 20_000 - 1, port - 20_000])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port - 1))
        monkeypatch.setattr("gateway.demo.cluster.secrets.randbelow", lambda _: next(offers))
        assert free_port(2) == port


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        monkeypatch.setattr("gateway.demo.cluster.secrets.randbelow", lambda _: port - 20_000)
        with pytest.raises(DemoUnavailable, match="no 1 free ports"):
            free_port()
