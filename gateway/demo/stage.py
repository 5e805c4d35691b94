"""Everything the demonstration needs, in one temporary folder that goes away with it.

Writes the gateway's configuration, one service file and password file for psql, and random secrets, each of mode 0600
below a folder nobody else may enter. Runs nothing; `gateway.cli.demo` does.
"""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.binaries import DemoUnavailable
from gateway.demo.certificates import Certificate
from gateway.demo.cluster import Cluster
from gateway.demo.database import GATEWAY_ROLE
from gateway.demo.parts.part import Found, Ground, Part, parts_text
from gateway.demo.scenes import APPROVER, GROUPS, Scene

#: The name by which clients reach the sample database (`dbname=shop`).
RESOURCE = "shop"


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the files of one run are."""

    configuration: Path
    service_file: Path
    authority: Path
    database_password: str = field(repr=False)


def example_policies(checkout: Path) -> Path:
    """The policies the demonstration runs with. They are in a checkout, not in the installed package."""
    folder = checkout / "policies" / "examples" / "demo"
    if not folder.is_dir():
        raise DemoUnavailable(
            f"the example policies are not at `{folder}`",
            help="run the demo from a checkout of the project: make demo",
        )
    return folder


def prepare(folder: Path, certificate: Certificate, checkout: Path, environment: Mapping[str, str]) -> Ground:
    """Write what every part is built on into `folder`, which exists and is ours alone."""
    keep(folder / "gateway.crt", certificate.certificate)
    keep(folder / "gateway.key", certificate.key)
    tokens = {who: folder / f"{who}.token" for who in GROUPS if who != APPROVER}
    for path in tokens.values():
        keep(path, secrets.token_urlsafe(30).encode())
    return Ground(folder, folder / "gateway.crt", folder / "gateway.key", checkout, tokens, environment)


def set_up(folder: Path, cluster: Cluster, policies: Path, port: int, parts: Sequence[Part] = ()) -> Setup:
    """Write all other files of one run into the folder of `prepare`."""
    database_password = secrets.token_urlsafe(24)
    keep(folder / "database.password", database_password.encode())
    passwords = {who: secrets.token_urlsafe(18) for who in GROUPS if who != APPROVER}
    for who, password in passwords.items():
        keep(folder / f"{who}.password", password.encode())
    keep(folder / "pgpass", _pgpass(passwords, port).encode())
    keep(folder / "pg_service.conf", _services(folder, passwords, port).encode())
    keep(folder / "sallyport.toml", _configuration(folder, cluster, policies, port, parts).encode())
    return Setup(
        configuration=folder / "sallyport.toml",
        service_file=folder / "pg_service.conf",
        authority=folder / "gateway.crt",
        database_password=database_password,
    )


def keep(path: Path, content: bytes) -> None:
    """Write a file that only we can read, from its first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def invitation(setup: Setup, scenes: Sequence[Scene], command_line: Sequence[str], parts: Sequence[Found] = ()) -> str:
    """What is printed for people: the lines to paste, and how to approve."""
    sallyport = shlex.join(command_line)
    waits = (
        [
            "Whatever is held waits. Approve it in a third terminal (with the second export); `holds` lists the tickets:",
            "",
            f"  {sallyport} holds",
        ]
        if parts
        else [
            "The last one waits. Approve it in a third terminal (with the second export) by the ticket that psql shows:"
        ]
    )
    lines = [
        "A PostgreSQL with sample data runs behind the gateway. In a second terminal, paste this once:",
        "",
        f"  export PGSERVICEFILE={shlex.quote(str(setup.service_file))}",
        f"  export SALLYPORT_CONFIG={shlex.quote(str(setup.configuration))}",
        "",
        "and then a line for each verdict:",
        "",
    ]
    for scene in scenes:
        lines += [f"  # {scene.verdict}: {scene.expected}", f"  {scene.line()}", ""]
    lines += parts_text(parts)
    lines += [
        *waits,
        *([] if parts else [""]),
        f"  {sallyport} approve TICKET",
        "",
        "What was decided, and why:",
        "",
        f"  {sallyport} audit show",
        "",
        "Ctrl-C here ends everything and removes it.",
    ]
    return "\n".join(lines)


def _services(folder: Path, passwords: Mapping[str, str], port: int) -> str:
    blocks = [
        "\n".join(
            [
                f"[{who}]",
                "host=localhost",
                "hostaddr=127.0.0.1",
                f"port={port}",
                f"dbname={RESOURCE}",
                f"user={who}",
                f"passfile={folder / 'pgpass'}",
                "sslmode=verify-full",
                f"sslrootcert={folder / 'gateway.crt'}",
                "gssencmode=disable",
                "",
            ]
        )
        for who in passwords
    ]
    return "\n".join(blocks)


def _pgpass(passwords: Mapping[str, str], port: int) -> str:
    return "".join(f"localhost:{port}:{RESOURCE}:{who}:{password}\n" for who, password in passwords.items())


def _configuration(folder: Path, cluster: Cluster, policies: Path, port: int, parts: Sequence[Part]) -> str:
    principals = "".join(
        _principal(who, groups) + "".join(part.people.get(who, "") for part in parts) for who, groups in GROUPS.items()
    )
    others = "".join(part.configuration for part in parts)
    return f"""\
[policies]
path = "{policies}"

[store]
url = "sqlite:///{folder / "store.db"}"

[audit]
dir = "{folder / "audit"}"

[[resource]]
name = "{RESOURCE}"
protocol = "postgres"
address = "127.0.0.1:{cluster.port}"
database = "postgres"
role = "{GATEWAY_ROLE}"
credential = "file:{folder / "database.password"}"
labels = {{ environment = "prod" }}

[resource.tls]
mode = "require"
ca_file = "{folder / "gateway.crt"}"

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:{port}"
auth = "scram"

[listener.tls]
certificate = "{folder / "gateway.crt"}"
key = "{folder / "gateway.key"}"

[[rpc.socket]]
path = "{folder / "rpc.sock"}"
principal = "{APPROVER}"

[recording]
dir = "{folder / "recordings"}"

[log]
level = "warning"
{others}{principals}"""


def _principal(who: str, groups: Sequence[str]) -> str:
    text = f'\n[[identity.principal]]\nname = "{who}"\ngroups = {json.dumps(list(groups))}\n'
    if who == APPROVER:
        return text + 'roles = ["approver", "auditor"]\n'
    return text + f'password = "file:{who}.password"\ntoken = "file:{who}.token"\n'
