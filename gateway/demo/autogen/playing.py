"""One run with the team, from an empty temporary folder to its removal: real PostgreSQL, real sshd, the gateway, AutoGen.

The gateway is a process of its own, as `sallyport up` runs it; the token is made, and the held change approved, by the
command line, as people do it. Called by `gateway.cli.demo --autogen`.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from gateway.audit.read import read
from gateway.demo.autogen import stage
from gateway.demo.autogen.environment import autogen_python
from gateway.demo.autogen.host import keygen, running_host, wait_until_it_listens
from gateway.demo.autogen.story import Judged, Step, differences, judged, table
from gateway.demo.binaries import DemoUnavailable, find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.cluster import free_port, running_cluster, server_owner
from gateway.demo.database import fill, looker
from gateway.demo.playing import SUPERUSER, command_line
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import held_order
from gateway.demo.stage import keep
from gateway.rpc.client import Client

TEAM_DEADLINE: Final = 240.0
_TEAM: Final = Path(__file__).with_name("team.py")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Person:
    """The command line in another process, as the operator and the approver use it."""

    configuration: Path

    def sallyport(self, *words: str) -> str:
        """What it prints. Raises DemoUnavailable when it fails."""
        done = subprocess.run(
            [*command_line(), *words],
            capture_output=True,
            text=True,
            timeout=TEAM_DEADLINE,
            env={**os.environ, "SALLYPORT_CONFIG": str(self.configuration)},
            check=False,
        )
        if done.returncode != 0:
            raise DemoUnavailable(
                f"`sallyport {words[0]}` ended with {done.returncode}", help=done.stderr.strip()[-500:]
            )
        return done.stdout

    def approve_all(self, over: threading.Event, approved: dict[str, str]) -> None:
        """Approve what waits until the team is done; `approved` is told the text and by whom."""
        with Client.over_unix(self.configuration.with_name("rpc.sock")) as waiting:
            while not over.wait(0.2):
                for ticket in waiting.tickets("requested"):
                    self.sallyport("approve", ticket.id, "--comment", "it was paid this morning")
                    approved[ticket.text] = stage.APPROVER


def play_team(checkout: Path, environment: Mapping[str, str], say: Say) -> bool:
    """Run the team once and tell the story. True when nothing differed. Raises DemoUnavailable when a component is missing."""
    policies = checkout / "policies" / "examples" / "autogen"
    binaries = find_binaries(environment)
    if binaries.psql is None:
        raise DemoUnavailable("no `psql` found", help="install it (Debian: apt-get install postgresql-client)")
    if not policies.is_dir():
        raise DemoUnavailable(
            f"the example policies are not at `{policies}`", help="run it from a checkout of the project"
        )
    python = autogen_python(environment)
    _, orders, _ = sample_rows()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sallyport-autogen-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # WHY: the database's user must get through here; nothing else in it is theirs to read.
        folder.chmod(0o711)
        ours = folder / "gateway"
        ours.mkdir(mode=0o700)
        certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
        cluster = stack.enter_context(
            running_cluster(binaries, folder / "postgres", SUPERUSER, certificate, server_owner(os.geteuid()))
        )
        host = stack.enter_context(running_host(folder / "host"))
        keep(ours / "gateway.crt", certificate.certificate)
        keep(ours / "gateway.key", certificate.key)
        password = secrets.token_urlsafe(24)
        keep(ours / "database.password", password.encode())
        host_key = keygen(ours / "gateway_host")
        fill(cluster, ours / "gateway.crt", password)
        ports = stage.Ports(free_port(), free_port(), free_port())
        keep(ours / "sallyport.toml", stage.configuration(ours, cluster, host, policies, ports).encode())
        stage.write_project(folder / "project", orders)
        settings = stage.write_team(ours, ports, folder / "project", orders, host_key)
        _start_gateway(stack, ours, ports)
        person = Person(ours / "sallyport.toml")
        token = person.sallyport(
            *("token", "--as", stage.AGENT, "--resource", "shop", "--resource", "host"),
            *("--for", f"job={stage.JOB}", "--ttl", "10m", "--prompt", str(ours / "prompt.txt")),
        )
        keep(ours / "job.token", token.strip().encode())
        approved = _run_team(python, settings, person, binaries.psql.parent)
        found = _told(ours / "audit", ours / "steps.jsonl", approved)
        look = looker(cluster, ours / "gateway.crt")
        wrong = differences(found) + _afterwards(look, orders.rows, held_order(orders), folder / "project", found)
    say(f"job {stage.JOB}, asked for by a person: {stage.PROMPT}\n")
    say(table(found))
    for line in wrong:
        say(f"DIFFERS  {line}")
    return not wrong


def _start_gateway(stack: ExitStack, folder: Path, ports: stage.Ports) -> None:
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [*command_line(), "up", "--config", str(folder / "sallyport.toml")], stdout=log, stderr=log
        )
    stack.callback(_stop, process)
    for port in (ports.postgres, ports.ssh, ports.faces):
        wait_until_it_listens(port, process, folder / "gateway.log")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _run_team(python: Path, settings: Path, person: Person, programs: Path) -> dict[str, str]:
    """The team to its end, and a person who approves meanwhile. Gives what was approved, by its text."""
    over, approved = threading.Event(), dict[str, str]()
    approving = threading.Thread(target=person.approve_all, args=(over, approved))
    approving.start()
    try:
        done = subprocess.run(
            [str(python), "-W", "ignore", str(_TEAM), str(settings)],
            capture_output=True,
            text=True,
            timeout=TEAM_DEADLINE,
            env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(settings.parent)},
            check=False,
        )
    finally:
        over.set()
        approving.join()
    if done.returncode != 0:
        raise DemoUnavailable(f"the team ended with {done.returncode}", help=done.stderr.strip()[-1500:])
    return approved


def _told(audit: Path, steps: Path, approved: Mapping[str, str]) -> tuple[Judged, ...]:
    taken = [Step(**json.loads(line)) for line in steps.read_text(encoding="utf-8").splitlines()]
    entries = [msgspec.to_builtins(entry) for entry in read(audit)]
    return tuple(replace(one, approver=approved.get(one.step.command)) for one in judged(taken, entries))


def _afterwards(
    look: Callable[[str], str], rows: Sequence[object], order: int, project: Path, found: Sequence[Judged]
) -> list[str]:
    """What the database, the host and the audit say themselves, whatever the agents saw."""
    wrong = []
    if look(f"SELECT status FROM shop.orders WHERE id = {order}") != "paid":  # noqa: S608  # a number of our own
        wrong.append("the approved change changed nothing")
    if look("SELECT count(*) FROM shop.orders WHERE status <> 'paid'") == "0":
        wrong.append("the refused change was made")
    if look("SELECT count(*) FROM shop.orders") != str(len(rows)):
        wrong.append("orders are missing")
    if not (project / "orders.csv").exists():
        wrong.append("the refused removal was made")
    if any(one.job != stage.JOB for one in found):
        wrong.append("a step is not tied to the job")
    if [one.approver for one in found if one.verdict == "hold"] != [stage.APPROVER]:
        wrong.append("the held change was not approved by a person")
    return wrong
