"""A gateway with limits on its sessions, before a database, a web server and an SSH host: one process, real clients."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import asyncssh

from gateway.audit.entry import Entry
from gateway.audit.read import read
from gateway.demo.cluster import free_port
from tests.conftest import missing
from tests.e2e.identity.place import ssh_host, web_server
from tests.e2e.world import World, world

POLICY = """\
package policies.world

allow contains {"code": "ALL", "reason": "everything"} if input.principal.name in {"ana", "bo"}

hold contains {"code": "LOOK", "reason": "somebody looks", "approvers": {"groups": ["leads"]}, "expires": "5m"} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind == "delete"
}
"""
OPERATOR = """
[[identity.principal]]
name = "olga"
roles = ["operator"]

[[rpc.socket]]
path = "olga.sock"
principal = "olga"
"""
WAIT = 60.0


@dataclass
class Sessions:
    """Where everything is."""

    world: World
    http_port: int
    ssh_port: int
    token: str = field(repr=False)

    def psql(self, *texts: str, database: str = "world") -> subprocess.CompletedProcess[str]:
        """One psql that runs these one after another and shows codes of errors."""
        words = [part for text in texts for part in ("-c", text)]
        return subprocess.run(
            ["psql", "-XAt", "-v", "VERBOSITY=verbose", *words, self.world.conninfo(dbname=database)],
            capture_output=True,
            text=True,
            timeout=60,
        )

    @contextmanager
    def typing(self, database: str) -> Iterator[subprocess.Popen[str]]:
        """A psql that is typed at."""
        words = ["psql", "-XAt", "-v", "VERBOSITY=verbose", self.world.conninfo(dbname=database)]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1) as running:
            try:
                yield running
            finally:
                running.kill()

    def curl(self) -> str:
        """The status and the body of one GET."""
        url, header = f"http://127.0.0.1:{self.http_port}/things", f"Authorization: Bearer {self.token}"
        words = ["curl", "-sS", "-w", "\n%{http_code}", "-H", header, url]
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout

    def ssh(self, *words: str, resource: str = "box") -> list[str]:
        """The line of the ssh client; options first, then a command."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "BatchMode=yes"]
        told = [part for option in options for part in ("-o", option)]
        key = str(self.world.folder / "ana_key")
        base = ["ssh", "-F", "none", "-i", key, *told, "-p", str(self.ssh_port)]
        wishes = [word for word in words if word.startswith("-")]
        return [*base, *wishes, f"ana+{resource}@127.0.0.1", *words[len(wishes) :]]

    def audit(self, step: str) -> list[Entry]:
        """The sessions of which the audit says this."""
        return [entry for entry in read(self.world.audit) if entry.kind == "session" and entry.step == step]

    def opened(self, resource: str) -> int:
        """How many sessions on a resource there have been."""
        return sum(entry.resource == resource for entry in self.audit("opened"))

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Until something is the case."""
        deadline = time.monotonic() + WAIT
        while not is_so():
            assert time.monotonic() < deadline, f"{what}: not in time"
            threading.Event().wait(0.05)


def _configuration(here: Sessions, web: int, host: int, key: str) -> tuple[str, str]:
    """More places, and more of the one principal."""

    def database(name: str, *limits: str) -> str:
        cluster = here.world.cluster
        lines = f"""
[[resource]]
name = "{name}"
protocol = "postgres"
address = "127.0.0.1:{cluster.port}"
database = "postgres"
role = "{cluster.user}"
credential = "env:WORLD_UPSTREAM"
tls = {{ ca_file = "server.crt" }}
"""
        return lines + "".join(f"{limit}\n" for limit in limits)

    return (
        f"""
{database("idle", "idle_seconds = 1")}
{database("short", "lifetime_seconds = 3")}
{database("two", "connections_per_principal = 2")}
[[resource]]
name = "shop"
protocol = "http"
address = "127.0.0.1:{web}"
idle_seconds = 6
connections_per_principal = 1
tls = {{ mode = "disable" }}

[[resource]]
name = "box"
protocol = "ssh"
address = "127.0.0.1:{host}"
role = "me"
credential = "env:WORLD_SSH"
known_hosts = "known_hosts"
idle_seconds = 12
connections_per_principal = 1

[[resource]]
name = "den"
protocol = "ssh"
address = "127.0.0.1:{host}"
role = "me"
credential = "env:WORLD_SSH"
known_hosts = "known_hosts"

[[listener]]
protocol = "http"
bind = "127.0.0.1:{here.http_port}"
resource = "shop"

[[listener]]
protocol = "ssh"
bind = "127.0.0.1:{here.ssh_port}"
host_key = ["env:WORLD_SSH"]
""",
        f"""
token = "env:WORLD_TOKEN"
ssh_key = ["{key}"]
""",
    )


@contextmanager
def sessions() -> Iterator[Sessions]:
    """All of it, running; gone afterwards."""
    for program in ("psql", "curl", "ssh"):
        if shutil.which(program) is None:
            missing(program)
    with ExitStack() as stack:
        place = stack.enter_context(world(POLICY))
        here = Sessions(place, free_port(), free_port(), secrets.token_urlsafe(24))
        web, host = stack.enter_context(web_server()), stack.enter_context(ssh_host(place.folder))
        key = asyncssh.generate_private_key("ssh-ed25519")
        file = place.folder / "ana_key"
        file.touch(0o600)
        file.write_bytes(key.export_private_key())
        places, proofs = _configuration(here, web, host, key.export_public_key().decode().strip())
        text = place.config.read_text()
        head, principal = text.split("[[identity.principal]]")
        place.config.write_text(f"{head}{places}[[identity.principal]]{principal}{proofs}{OPERATOR}")
        place.more = {"WORLD_TOKEN": here.token, "WORLD_SSH": key.export_private_key().decode()}
        place.start()
        stack.callback(place.stop)
        yield here
