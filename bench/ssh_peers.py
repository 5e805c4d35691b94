"""SSH: bulk and single commands through Sallyport beside the same sshd without it: `python -m bench ssh`.

Bulk: OpenSSH's client has the target print a file of 256 MiB of log lines, or takes it in there; directly, through the gateway, and through the
gateway with masks (of mail addresses and cards, which every tenth line has). MiB a second from the start of the client to its end, signing in
included; nothing is pinned.

A command: `echo item-N`, N new each time, on a connection that is kept open (a client of asyncssh's in this process), from the request to its
exit status. Three ways in turn, 25 commands each: sshd itself; the gateway; and the gateway without a judge (`bench.ungated`: the same
connections, channels and streams, but nothing is parsed, evaluated or recorded). What the judge adds is timed in the gateway
(`bench.timed`); the gateway's median less that of the one without a judge is shown beside it.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import asyncssh

from bench import servers
from bench.rules import folder_of_rules
from bench.timed import times_of
from gateway.demo.cluster import free_port

MIB = 256
BLOCK, BLOCKS = 25, 8
ME = pwd.getpwuid(os.geteuid()).pw_name
KINDS = ("remove", "permission", "owner", "network", "install", "process", "unknown")
RULES = """
allow contains {"code": "SEEN", "reason": "whoever works here may read and print"} if {
	input.command.protocol == "shell"
	"bench" in input.principal.groups
	input.command.complete
	every op in input.command.operations { op.effect in {"read", "write", "exec", "none"} }
}

mask contains {"code": "SAID", "reason": "hidden", "method": "redact", "values": ["pii.email", "pii.credit_card"]} if {
	some op in input.command.operations
	some target in op.targets
	endswith(target.name, "/masked.log")
}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """Where one way leads: an ssh client's configuration and the host in it; the same for asyncssh."""

    config: Path
    host: str
    port: int
    user: str
    keys: object = field(repr=False, default=None)
    known: Path = Path()


@dataclass(frozen=True, slots=True)
class Found:
    """MiB a second by way, and milliseconds of a command (medians)."""

    down: Mapping[str, float]
    up: Mapping[str, float]
    exec_ms: Mapping[str, float]
    judged_ms: float
    """What a command waits for its judge."""


def log_lines(path: Path, size: int) -> None:
    """A file of about that many bytes: lines as a web server writes them, every tenth with an address and a card."""
    lines = []
    for number in range(1000):
        more = f" user=anna.{number}@example.org card=4539578763621486" if number % 10 == 0 else ""
        lines.append(
            f'10.0.{number % 256}.7 - - [29/Nov/2026:10:{number % 60:02}:07 +0000] "GET /orders/{number} HTTP/1.1" 200 {number * 7} "-" "curl/8.1"{more}'
        )
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(size // len(block) + 1):
            file.write(block)


def configuration(folder: Path, sshd: Path, port: int, listen: str, public: str) -> Path:
    folder.mkdir()
    path = folder / "sallyport.toml"
    path.write_text(
        f"""
[policies]
path = "{folder_of_rules(folder, RULES, KINDS)}"
[store]
url = "sqlite:///{folder}/store.db"
[audit]
dir = "{folder}/audit"
[recording]
dir = "{folder}/recordings"
[[resource]]
name = "bench"
protocol = "ssh"
address = "127.0.0.1:{port}"
role = "{ME}"
credential = "file:{sshd}/gateway"
certificate = "{sshd}/gateway-cert.pub"
known_hosts = "{sshd}/known_hosts"
[[listener]]
protocol = "ssh"
bind = "{listen}"
resource = "bench"
host_key = ["file:{sshd}/gateway_host"]
[[identity.principal]]
name = "ana"
groups = ["bench"]
ssh_key = ["{public}"]
""",
        encoding="utf-8",
    )
    return path


def keygen(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text(encoding="ascii").strip()


@contextmanager
def all_ways() -> Iterator[tuple[Mapping[str, Way], Path]]:
    """sshd, the gateway, the gateway without a judge; and the folder that the target reads."""
    if shutil.which("ssh") is None or not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        raise servers.Missing("OpenSSH is not installed (Debian: apt-get install openssh-server openssh-client)")
    with servers.run_folder() as folder, sshd(folder / "s") as (config, port):
        yield from _before(folder, folder / "s", config, port)


@contextmanager
def sshd(run: Path) -> Iterator[tuple[Path, int]]:
    """The sshd of the tools, with an empty home; yields the configuration of a client, and its port.

    WHY started again here: the account's own start files are read by every shell, and some take half a second.
    """
    scripts, port = servers.tools() / "ssh", free_port()
    config = Path(servers.script(scripts / "start.sh", run, port))
    servers.script(scripts / "stop.sh", run)
    settings = run / "sshd_config"
    settings.write_text(f"{settings.read_text(encoding='ascii')}SetEnv HOME={run}\n", encoding="ascii")
    program, log = shutil.which("sshd") or "/usr/sbin/sshd", run / "sshd.log"
    with log.open("wb") as out, subprocess.Popen([program, "-D", "-e", "-f", str(settings)], stderr=out) as process:
        try:
            servers.until_it_listens(port, process, log)
            yield config, port
        finally:
            process.terminate()
            process.wait(20)


def _before(folder: Path, run: Path, config: Path, port: int) -> Iterator[tuple[Mapping[str, Way], Path]]:
    public = {name: keygen(run / name) for name in ("gateway", "gateway_host", "ana")}
    sign = ["ssh-keygen", "-q", "-s", str(run / "ca"), "-I", "gateway", "-n", ME, str(run / "gateway.pub")]
    subprocess.run(sign, check=True)
    known = run / "gateway_hosts"
    known.write_text(f"* {public['gateway_host']}\n", encoding="ascii")
    pair = [(str(run / "user"), str(run / "user-cert.pub"))]
    ways = {"direct": Way(config, "target", port, ME, pair, run / "known_hosts")}
    listens = {name: f"127.0.0.1:{free_port()}" for name in ("gateway", "ungated")}
    made = {name: configuration(folder / name, run, port, listen, public["ana"]) for name, listen in listens.items()}
    with (
        servers.sallyport(made["gateway"], ready=listens["gateway"], module="bench.timed"),
        servers.sallyport(made["ungated"], ready=listens["ungated"], module="bench.ungated"),
    ):
        for name, listen in listens.items():
            at = int(listen.rpartition(":")[2])
            ours = run / f"{name}_config"
            ours.write_text(
                f"Host gateway\n  HostName 127.0.0.1\n  Port {at}\n  User ana\n  IdentityFile {run}/ana\n  IdentitiesOnly yes\n"
                f"  UserKnownHostsFile {known}\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n",
                encoding="ascii",
            )
            ways[name] = Way(ours, "gateway", at, "ana", [str(run / "ana")], known)
        yield ways, folder


def ssh(way: Way, command: str, *, given: Path | None = None) -> float:
    """Seconds of the ssh client from its start to its end."""
    with (given or Path(os.devnull)).open("rb") as source, Path(os.devnull).open("wb") as sink:
        began = time.perf_counter()
        done = subprocess.run(
            ["ssh", "-F", str(way.config), "-o", "BatchMode=yes", way.host, command],
            stdin=source,
            stdout=sink,
            stderr=subprocess.PIPE,
            timeout=200,
        )
        took = time.perf_counter() - began
    if done.returncode != 0:
        raise servers.Missing(f"`{command}` through {way.host}: {done.stderr.decode(errors='replace')[-300:]}")
    return took


def bulk(ways: Mapping[str, Way], folder: Path, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """MiB a second down and up, the median of the rounds."""
    plain, masked = folder / "plain.log", folder / "masked.log"
    log_lines(plain, MIB << 20)
    masked.hardlink_to(plain)
    size = plain.stat().st_size / (1 << 20)
    runs = {
        "direct": (ways["direct"], f"cat {plain}", None),
        "gateway": (ways["gateway"], f"cat {plain}", None),
        "masked": (ways["gateway"], f"cat {masked}", None),
        "direct up": (ways["direct"], "cat >/dev/null", plain),
        "gateway up": (ways["gateway"], "cat >/dev/null", plain),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, (way, command, given) in runs.items():
            found[name].append(size / ssh(way, command, given=given))
            print(f"round {number + 1}/{rounds} {name}: {found[name][-1]:.0f} MiB/s", file=sys.stderr)
    rates = {name: round(statistics.median(values), 1) for name, values in found.items()}
    up = {name.removesuffix(" up"): rate for name, rate in rates.items() if name.endswith(" up")}
    return {name: rate for name, rate in rates.items() if not name.endswith(" up")}, up


async def commands(ways: Mapping[str, Way]) -> dict[str, float]:
    """Milliseconds of a command by way: the median of all blocks."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    connections = {
        name: await asyncssh.connect(
            *("127.0.0.1", way.port),
            username=way.user,
            client_keys=way.keys,
            known_hosts=str(way.known),
            config=None,
            agent_path=None,
        )
        for name, way in ways.items()
    }
    number = 0
    for block in range(BLOCKS + 1):
        for name, connection in connections.items():
            for _ in range(BLOCK):
                number += 1
                began = time.perf_counter()
                done = await connection.run(f"echo item-{number}")
                if block:
                    took[name].append((time.perf_counter() - began) * 1000)
                if done.exit_status != 0 or (name != "ungated" and done.stdout != f"item-{number}\n"):
                    raise servers.Missing(f"a command through {name} ended with {done.exit_status}: {done.stderr!r}")
    for connection in connections.values():
        connection.close()
        await connection.wait_closed()
    return {name: round(statistics.median(values), 3) for name, values in took.items()}


def measure(rounds: int = 3) -> Found:
    """All figures; about two minutes with three rounds."""
    with all_ways() as (ways, folder):
        latency = asyncio.run(commands(ways))
        judged = times_of(folder / "gateway" / "sallyport.toml", "echo item-")
        print(f"commands: {latency}, of which the judge {judged}", file=sys.stderr)
        return Found(*bulk(ways, folder, rounds), latency, judged)


def document(found: Found) -> dict[str, object]:
    """The JSON document of all figures."""
    return asdict(found)


def promises(found: Found) -> tuple[dict[str, float | None], dict[str, str]]:
    """Measured ratios and both figures, by the names of `budgets.toml`."""
    down, up, took = found.down, found.up, found.exec_ms
    measured: dict[str, float | None] = {
        "down": down["gateway"] / down["direct"],
        "up": up["gateway"] / up["direct"],
        "masked": down["masked"] / down["direct"],
        "judged_p50": found.judged_ms,
        "added_p50": took["gateway"] - took["direct"],
    }
    told = {
        "down": f"sshd {down['direct']:.0f}, ours {down['gateway']:.0f} MiB/s",
        "up": f"sshd {up['direct']:.0f}, ours {up['gateway']:.0f} MiB/s",
        "masked": f"sshd {down['direct']:.0f}, ours {down['masked']:.0f} MiB/s",
        "judged_p50": f"a command without a judge {took['ungated']:.2f}, with {took['gateway']:.2f} ms",
        "added_p50": f"sshd {took['direct']:.2f}, ours {took['gateway']:.2f} ms",
    }
    return measured, told
