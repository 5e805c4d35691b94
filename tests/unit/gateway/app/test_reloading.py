"""A reload changes each part as a whole or not at all, whatever becomes of the others, and says which stayed and why."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from cryptography import x509

from adapters.ssh.listener import SshListener
from gateway.app.assembly import Gateway
from gateway.app.reloading import AUDIT_KEYS, CONFIGURATION, PEOPLE, RECORDING_KEYS
from gateway.audit.entry import Kind
from gateway.audit.keys import make_pem
from gateway.audit.read import Filter, read
from gateway.config import Config, load_config
from tests.certificates import Authority
from tests.strategies.gateways import ENVIRONMENT, settle_in

MORE = """
[audit]
keys = [{audit}]
low_water_bytes = 1048576

[recording]
keys = [{recording}]
low_water_bytes = 1048576

[faces]
bind = "127.0.0.1:0"
tls = {{ certificate = "own.crt", key = "own.key" }}

[rpc]
bind = "127.0.0.1:0"

[rpc.tls]
certificate = "own.crt"
key = "own.key"
{client_ca}

[[listener]]
protocol = "ssh"
bind = "127.0.0.1:0"
host_key = ["file:host.pem"]
"""
CERTIFICATES = ("the certificate of faces", "the certificate of rpc")
HOST_KEYS = "the host keys of 127.0.0.1:0"


def secret_file(path: Path, content: str | bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def host_key() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


class House:
    """A configuration in a folder, and the gateway that was built of it."""

    def __init__(self, folder: Path) -> None:
        self._file = settle_in(folder)
        text = self._file.read_text()
        # Without a listener of its own and without its short section of the audit, which stands in `MORE`.
        text = text.replace("[audit]\nlow_water_bytes = 1048576\n", "")
        self._plain = text.replace('[[listener]]\nprotocol = "postgres"\nbind = "127.0.0.1:0"\n', "")
        self.folder, self.authority = folder, Authority()
        for name in ("one", "two", "three"):
            secret_file(folder / f"{name}.pem", make_pem())
            secret_file(folder / f"{name}.key", name * 32)
        secret_file(folder / "host.pem", host_key())
        self.put_certificate(self.authority)
        self.gateway = Gateway(self.config(), ENVIRONMENT)

    def config(self, audit: str = "one", recording: str = "one", client_ca: str = "") -> Config:
        """The configuration with keys by the names of their files."""
        named = {
            "audit": ", ".join(f'"file:{name}.pem"' for name in audit.split()),
            "recording": ", ".join(f'"file:{name}.key"' for name in recording.split()),
        }
        self._file.write_text(self._plain + MORE.format(client_ca=client_ca, **named))
        return load_config(self._file, {})

    def put_certificate(self, authority: Authority) -> int:
        """A new one; its number."""
        issued = authority.issue("gateway", "dns:localhost")
        (self.folder / "own.crt").write_bytes(issued.certificate)
        secret_file(self.folder / "own.key", issued.key)
        return x509.load_pem_x509_certificate(issued.certificate).serial_number

    def told(self) -> list[tuple[str, str]]:
        """The steps and notes of what the audit says of reloads."""
        place = self.gateway.config.at(self.gateway.config.audit.dir)
        return [(entry.step, entry.note) for entry in read(place, Filter(kinds=frozenset({Kind.RELOAD})))]

    def failing(self) -> set[str]:
        """The parts that Prometheus reads as not reloaded."""
        (family,) = self.gateway.meters.reload_failing.collect()
        return {sample.labels["part"] for sample in family.samples if sample.value == 1}


@pytest.fixture
async def house(tmp_path: Path) -> Iterator[House]:  # type: ignore[misc]  # a fixture that is waited for
    made = House(tmp_path)
    await made.gateway.start(listeners=True)
    yield made
    await made.gateway.stop(0)
    made.gateway.close()


async def test_everything_that_can_change_changes(house: House) -> None:
    gateway = house.gateway
    sealer, keys = gateway.sealer, gateway.recordings._keys
    first, wraps, known = sealer.trusted[0], keys.name, gateway.doors.known
    secret_file(house.folder / "host.pem", host_key())
    number = house.put_certificate(Authority())
    gateway.reload(house.config("two one", "two one"), ENVIRONMENT)
    assert gateway.reloading.troubles == []
    assert house.failing() == set()
    changed = [(step, note) for step, note in house.told() if step == "changed"]
    assert changed == [("changed", part) for part in (*CERTIFICATES, HOST_KEYS, AUDIT_KEYS, RECORDING_KEYS)]
    assert sealer.trusted[0] != first
    assert sealer.trusted[1] == first
    assert keys.name != wraps
    assert gateway.doors.known is not known
    assert await shown_by(gateway, "faces") == number
    # Nothing new: nothing is told but the log's own word.
    gateway.reload(house.config("two one", "two one"), ENVIRONMENT)
    assert len(house.told()) == len(changed)


async def shown_by(gateway: Gateway, where: str) -> int:
    """The number of the certificate that a server shakes hands with."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = gateway._certificates._contexts[where].wrap_bio(up, down, server_side=True)
    theirs = client.wrap_bio(down, up, server_side=False)
    for end in (theirs, ours, theirs):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    raw = theirs.getpeercert(True)
    assert raw is not None
    return x509.load_der_x509_certificate(raw).serial_number


BREAK = {
    PEOPLE: lambda house: None,
    CERTIFICATES[0]: lambda house: (house.folder / "own.crt").write_text("nothing"),
    HOST_KEYS: lambda house: (house.folder / "host.pem").write_text("hunter2"),
    AUDIT_KEYS: lambda house: (house.folder / "two.pem").write_text("hunter2"),
    RECORDING_KEYS: lambda house: (house.folder / "two.key").write_text("hunter2"),
}


@pytest.mark.parametrize("part", BREAK)
async def test_a_part_that_fails_stays_and_keeps_no_other_from_changing(house: House, part: str) -> None:
    gateway = house.gateway
    now = (gateway.sealer.trusted[0], gateway.recordings._keys.name, gateway.doors.known)
    secret_file(house.folder / "host.pem", host_key())
    number = house.put_certificate(house.authority)
    BREAK[part](house)
    config, environment = house.config("two one", "two one"), {} if part == PEOPLE else ENVIRONMENT
    gateway.reload(config, environment)
    failed = {PEOPLE} if part == PEOPLE else set(CERTIFICATES) if part in CERTIFICATES else {part}
    assert house.failing() == failed
    assert {trouble.partition(": ")[0] for trouble in gateway.reloading.troubles} == failed
    assert {note.partition(": ")[0] for step, note in house.told() if step == "failed"} == failed
    assert "hunter2" not in str(house.told())
    after = (gateway.sealer.trusted[0], gateway.recordings._keys.name, gateway.doors.known)
    stayed = [before == then for before, then in zip(now, after, strict=True)]
    assert stayed == [part == AUDIT_KEYS, part == RECORDING_KEYS, part == PEOPLE]
    assert (await shown_by(gateway, "faces") == number) == (part not in CERTIFICATES)
    # What was mended is taken the next time, and not told of any more.
    secret_file(house.folder / "host.pem", host_key())
    number = house.put_certificate(house.authority)
    signing = "three one" if part == AUDIT_KEYS else "two one"
    wrapping = "three one" if part == RECORDING_KEYS else "two one"
    gateway.reload(house.config(signing, wrapping), ENVIRONMENT)
    assert (house.failing(), gateway.reloading.troubles) == (set(), [])
    assert await shown_by(gateway, "faces") == number


async def test_a_current_key_that_is_left_out_stays(house: House) -> None:
    gateway = house.gateway
    signs, wraps = gateway.sealer.trusted, gateway.recordings._keys.name
    gateway.reload(house.config("two three", "two three"), ENVIRONMENT)
    assert house.failing() == {AUDIT_KEYS, RECORDING_KEYS}
    assert (gateway.sealer.trusted, gateway.recordings._keys.name) == (signs, wraps)
    assert [note for step, note in house.told() if "not among the new ones" in note]


async def test_whether_callers_need_a_certificate_stays_as_it_is(house: House) -> None:
    (house.folder / "people.pem").write_bytes(house.authority.pem)
    gateway = house.gateway
    house.put_certificate(house.authority)
    gateway.reload(house.config(client_ca='client_ca = "people.pem"'), ENVIRONMENT)
    assert house.failing() == {CERTIFICATES[1]}
    assert "until a restart" in gateway.reloading.troubles[0]


async def test_a_configuration_with_mistakes_changes_nothing_and_is_told(house: House) -> None:
    gateway, known = house.gateway, house.gateway.doors.known
    gateway.reload(None, ENVIRONMENT)
    assert house.failing() == {CONFIGURATION}
    assert gateway.doors.known is known
    assert house.told()[0][0] == "failed"
    gateway.reload(house.config(), ENVIRONMENT)
    assert (house.failing(), gateway.reloading.troubles) == (set(), [])


async def test_a_fault_of_ours_is_told_by_its_kind_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, texts: object) -> bool:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(SshListener, "use_host_keys", broken)
    house.gateway.reload(house.config("two one"), ENVIRONMENT)
    assert house.failing() == {HOST_KEYS}
    assert house.told()[0] == ("failed", f"{HOST_KEYS}: a fault of the gateway (RuntimeError)")
    assert house.told()[1] == ("changed", AUDIT_KEYS)


async def test_a_listener_that_is_new_waits_for_a_restart(house: House) -> None:
    config = house.config()
    more = replace(config.listener[0], bind="127.0.0.2:0", host_key=("env:NONE",))
    house.gateway.reload(replace(config, listener=(*config.listener, more)), ENVIRONMENT)
    assert house.failing() == set()
