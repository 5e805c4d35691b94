"""Keys of the audit, of recordings and of SSH hosts, authorities and kinds of certificates are changed by SIGHUP while a gateway is at work.

Real processes throughout: `sallyport up`, psycopg, OpenSSH, curl, and the standalone verifier with nothing but its own file.
"""

from __future__ import annotations

import itertools
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.audit.checkpoint import SigningKey, open_note, read_note
from gateway.audit.keys import log_name, make_pem
from gateway.audit.sealing import checkpoints
from tests.certificates import Authority
from tests.e2e.behind.http import HttpWorld, http_world
from tests.e2e.behind.ssh import SshWorld, ssh_world
from tests.e2e.world import ROOT, GatewayProcess, World, sallyport, world
from tests.interop.ssh.place import keygen

CLIENTS = 3
KILLS = 8
DONE = "people and resources loaded again"
"""What the log says at the end of a reload."""


def secret_file(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)


def until(wanted: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not wanted():
        assert time.monotonic() < deadline
        pause.wait(0.02)


def reload(here: GatewayProcess) -> str:
    """SIGHUP; what the log said meanwhile."""
    assert here.process is not None
    before = len(here.log.read_text())
    here.process.send_signal(signal.SIGHUP)
    until(lambda: DONE in here.log.read_text()[before:])
    return here.log.read_text()[before:]


# --- the audit


class Asking(threading.Thread):
    """Asks again and again, each statement with a name of its own; remembers which were answered."""

    def __init__(self, conninfo: str) -> None:
        super().__init__(daemon=True)
        self._conninfo = conninfo
        self.answered: list[str] = []
        self.is_over = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                while not self.is_over.is_set():
                    name = uuid.uuid4().hex
                    assert connection.execute(f"SELECT '{name}' AS name").fetchone() == (name,)
                    self.answered.append(name)
        except (psycopg.Error, AssertionError) as error:
            self.failure = error


def asking(here: World) -> list[Asking]:
    """Clients at work."""
    clients = [Asking(here.conninfo()) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    until(lambda: all(client.answered or client.failure for client in clients))
    return clients


@pytest.fixture
def signed() -> Iterator[World]:
    with world() as here:
        for name in ("k1", "k2", "k3", "k4"):
            secret_file(here.folder / name, make_pem())
        (here.folder / "plain.toml").write_text(here.config.read_text())
        sign_with(here, "k1")
        yield here


def sign_with(here: World, *names: str) -> None:
    keys = ", ".join(f'"file:{name}"' for name in names)
    plain = (here.folder / "plain.toml").read_text()
    assert plain.count('dir = "audit"\n') == 1
    here.config.write_text(plain.replace('dir = "audit"\n', f'dir = "audit"\nkeys = [{keys}]\n'))


def public(here: World, name: str) -> SigningKey:
    return SigningKey.from_pem(log_name(here.audit), (here.folder / name).read_bytes())


def signed_by(here: World, note: str) -> list[str]:
    """The names of the keys that signed a checkpoint."""
    found = []
    for name in ("k1", "k2", "k3", "k4"):
        try:
            open_note(note, [public(here, name).public])
        except ValueError:
            continue
        found.append(name)
    return found


def alone(here: World, name: str) -> subprocess.CompletedProcess[str]:
    """The standalone verifier, which trusts one key."""
    (here.folder / "key.pub").write_text(public(here, name).public.print())
    file = ROOT / "gateway" / "audit" / "standalone.py"
    line = [sys.executable, "-I", str(file), str(here.audit), str(here.folder / "key.pub")]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def recorded(here: World) -> set[str]:
    texts = (str(entry.get("text", "")) for entry in here.entries() if entry.get("verdict") == "allow")
    return {text.split("'")[1] for text in texts if text.startswith("SELECT '")}


@pytest.mark.timeout(300)
def test_keys_of_the_audit_change_while_decisions_are_written(signed: World) -> None:
    here = signed
    here.start()
    clients = asking(here)
    names = ("k1", "k2", "k3")
    for old, new in itertools.pairwise(names):
        sign_with(here, new, old)
        assert "the keys of the audit" in reload(here)
        both = [note for note in checkpoints(here.audit) if signed_by(here, note) == [old, new]]
        assert len(both) == 1, "both signed before the reload was over"
        count, size = len(checkpoints(here.audit)), read_note(both[0])[0].size
        until(lambda count=count: len(checkpoints(here.audit)) > count)
        assert signed_by(here, checkpoints(here.audit)[-1]) == [new]
        assert read_note(checkpoints(here.audit)[-1])[0].size > size

    # One that nobody hands over to is refused; the key of before goes on signing, and the clients go on.
    sign_with(here, "k4")
    assert "not among the new ones" in reload(here)
    count, answered = len(checkpoints(here.audit)), [len(client.answered) for client in clients]
    until(lambda: len(checkpoints(here.audit)) > count)
    assert signed_by(here, checkpoints(here.audit)[-1]) == ["k3"]
    until(lambda: all(len(client.answered) > was for client, was in zip(clients, answered, strict=True)))
    for client in clients:
        client.is_over.set()
    for client in clients:
        client.join(30)
        assert client.failure is None, client.failure
    here.stop()

    sign_with(here, "k3", "k2", "k1")
    assert here.verify_audit() == 0
    # The private halves of the old ones may go where the public ones are named.
    sign_with(here, "k3")
    assert here.verify_audit() == 1
    former = ", ".join(f'"{public(here, name).public.print()}"' for name in ("k1", "k2"))
    here.config.write_text(here.config.read_text().replace("keys = [", f"former_keys = [{former}]\nkeys = [", 1))
    assert here.verify_audit() == 0
    said = alone(here, "k1")
    assert said.returncode == 0, said.stdout + said.stderr
    assert alone(here, "k4").returncode == 1, "and nobody else's"
    kinds = [(entry["kind"], entry.get("step"), entry.get("note", "")) for entry in here.entries()]
    handed_over = [note for kind, step, note in kinds if (kind, step) == ("key", "handed over")]
    assert handed_over == [public(here, name).public.print() for name in ("k2", "k3")]
    reloads = [(step, str(note).partition(":")[0]) for kind, step, note in kinds if kind == "reload"]
    audit_keys = "the keys of the audit"
    assert reloads == [("changed", audit_keys), ("changed", audit_keys), ("failed", audit_keys)]
    answered_texts = {name for client in clients for name in client.answered}
    assert answered_texts <= recorded(here)
    print(f"{len(answered_texts)} statements were answered while keys changed")


@pytest.mark.timeout(600)
def test_kill_9_in_the_middle_of_a_hand_over_leaves_a_whole_log(signed: World) -> None:
    here, chance = signed, random.Random(20261129)
    here.start()
    clients = asking(here)
    began = time.monotonic()
    sign_with(here, "k2", "k1")
    reload(here)
    lasts = time.monotonic() - began
    answered = set[str]()
    handed_over = 0
    for number in range(KILLS):
        new, old = ("k1", "k2") if number % 2 == 0 else ("k2", "k1")
        sign_with(here, new, old)
        assert here.process is not None
        here.process.send_signal(signal.SIGHUP)
        # Over the whole of a reload, so that some come before, some within and some behind the hand-over.
        threading.Event().wait(lasts * (number + chance.random()) / KILLS)
        here.kill()
        for client in clients:
            client.join(30)
            answered |= set(client.answered)
        handed_over += signed_by(here, checkpoints(here.audit)[-1]) != [old]
        here.start()
        clients = asking(here)
    for client in clients:
        client.is_over.set()
        client.join(30)
        answered |= set(client.answered)
    here.stop()
    sign_with(here, "k1", "k2")
    assert here.verify_audit() == 0
    said = alone(here, "k1")
    assert said.returncode == 0, said.stdout + said.stderr
    assert answered <= recorded(here)
    print(f"killed {KILLS} times within {lasts * 1000:.0f} ms of a reload; {handed_over} times the new key had signed")


# --- SSH and recordings


def ssh(here: SshWorld, *words: str, options: tuple[str, ...] = (), data: bytes = b"") -> tuple[int, str, str]:
    done = here.place.ssh(*words, options=options, data=data)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def command(here: GatewayProcess, *words: str) -> str:
    done = subprocess.run(
        [*sallyport(), *words, "--config", str(here.config)],
        cwd=ROOT,
        env=here.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_host_keys_change_under_an_open_session_that_goes_on_and_agrees_on_new_keys() -> None:
    with ssh_world() as here:
        here.start()
        known = here.folder / "gateway_hosts"
        was = known.read_text()
        assert ssh(here, "echo before") == (0, "before\n", "")
        # 4 MiB at 128 KiB a key: it agrees on new ones some thirty times, most of them after the change.
        line = here.place.command("cat", options=("-v", "-o", "RekeyLimit=128K", "-o", "LogLevel=DEBUG1"))
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as open_one:
            assert open_one.stdin is not None
            assert open_one.stdout is not None
            assert open_one.stderr is not None
            said = list[bytes]()
            listening = threading.Thread(target=lambda: said.extend(open_one.stderr or ()))
            listening.start()
            open_one.stdin.write(b"a" * 1024)
            open_one.stdin.flush()
            assert open_one.stdout.read(1024) == b"a" * 1024

            for name in ("gateway_host", "gateway_host.pub"):
                (here.folder / name).unlink()
            new = keygen(here.folder / "gateway_host")
            assert f"the host keys of 127.0.0.1:{here.port}" in reload(here)
            refused = ssh(here, "echo after")
            assert refused[0] == 255
            assert "Host key verification failed" in refused[2]
            known.write_text(f"* {new}\n")
            assert ssh(here, "echo after") == (0, "after\n", "")

            block, blocks = b"b" * 65_536, 64
            for _ in range(blocks):
                open_one.stdin.write(block)
                open_one.stdin.flush()
                assert open_one.stdout.read(len(block)) == block
            open_one.stdin.close()
            assert open_one.wait(30) == 0
            listening.join(30)
        rekeyed = b"".join(said).count(b"SSH2_MSG_NEWKEYS received")
        assert rekeyed > 10, b"".join(said)[-2000:]

        # What is no key changes nothing.
        (here.folder / "gateway_host").write_text("hunter2")
        told = reload(here)
        assert "NO_HOST_KEY" in told
        assert "hunter2" not in told
        assert ssh(here, "echo still") == (0, "still\n", "")
        known.write_text(was)
        assert ssh(here, "echo old")[0] == 255
        here.stop()
        assert here.verify_audit() == 0
        steps = [entry.get("step") for entry in here.entries() if entry["kind"] == "reload"]
        assert steps == ["changed", "failed"]
        print(f"agreed on new keys {rekeyed} times")


@pytest.mark.timeout(300)
def test_keys_of_recordings_change_and_recordings_of_before_still_play() -> None:
    with ssh_world() as here:
        plain = here.config.read_text()

        def wrap_with(*names: str) -> None:
            keys = ", ".join(f'"file:{name}"' for name in names)
            assert plain.count('dir = "recordings"\n') == 1
            here.config.write_text(plain.replace('dir = "recordings"\n', f'dir = "recordings"\nkeys = [{keys}]\n'))

        for name in ("w1", "w2", "w3"):
            secret_file(here.folder / name, secrets.token_hex(32).encode())
        wrap_with("w1")
        here.start()
        line = here.place.command("cat #record", options=())
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as open_one:
            assert open_one.stdin is not None
            assert open_one.stdout is not None
            open_one.stdin.write(b"first-half\n")
            open_one.stdin.flush()
            assert open_one.stdout.readline() == b"first-half\n"
            wrap_with("w3")
            assert "not among the new ones" in reload(here)
            wrap_with("w2", "w1")
            assert "the keys of recordings" in reload(here)
            assert ssh(here, "echo by-the-new-key #record")[0] == 0
            open_one.stdin.write(b"second-half\n")
            open_one.stdin.close()
            assert open_one.stdout.read() == b"second-half\n"
            assert open_one.wait(30) == 0
        until(lambda: len(here.place.recordings()) == 2)
        began_before, began_after = here.place.recordings()
        assert began_before.key != began_after.key
        here.stop()
        for head, words in ((began_before, ("first-half", "second-half")), (began_after, ("by-the-new-key",))):
            shown = command(here, "play", head.id, "--speed", "0")
            assert all(word in shown for word in words), shown
        assert here.verify_audit() == 0


# --- certificates


POLICY = """\
package policies.world

allow contains {"code": "ALL", "reason": "a place to play in"} if input.command.protocol == "http"
"""


def curl(here: HttpWorld, *options: str) -> tuple[int, str]:
    """The exit code, and the status of the answer."""
    line = ["curl", "-sS", "--cacert", str(here.ca), "-o", os.devnull, "-w", "%{http_code}", *options]
    done = subprocess.run([*line, f"https://127.0.0.1:{here.port}/things"], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.timeout(300)
def test_authorities_of_clients_and_kinds_of_certificates_change() -> None:
    with http_world(POLICY) as here:
        old, new = Authority("old people"), Authority("new people")
        shown = dict[str, tuple[str, ...]]()
        for name, authority in (("old", old), ("new", new)):
            issued = authority.issue("ana")
            (here.folder / f"{name}.pem").write_bytes(issued.certificate)
            secret_file(here.folder / f"{name}-key.pem", issued.key)
            shown[name] = ("--cert", str(here.folder / f"{name}.pem"), "--key", str(here.folder / f"{name}-key.pem"))
        plain = here.config.read_text()
        tls = 'tls = { certificate = "server.crt", key = "server.key" }'
        assert plain.count(tls) == 1
        with_authority = plain.replace(tls, f'{tls[:-2]}, client_ca = "people.pem" }}')
        here.start()
        assert curl(here, *shown["old"]) == (0, "401"), "nobody asks for one"

        # Somebody is asked for certificates now; then by two authorities; then by the new one alone; then by nobody.
        (here.folder / "people.pem").write_bytes(old.pem)
        here.config.write_text(with_authority)
        assert f"the certificate of 127.0.0.1:{here.port}" in reload(here)
        assert curl(here, *shown["old"]) == (0, "200")
        assert curl(here, *shown["new"])[0] != 0
        (here.folder / "people.pem").write_bytes(old.pem + new.pem)
        reload(here)
        assert [curl(here, *shown[name]) for name in shown] == [(0, "200"), (0, "200")]
        (here.folder / "people.pem").write_bytes(new.pem)
        reload(here)
        assert curl(here, *shown["old"])[0] != 0
        assert curl(here, *shown["new"]) == (0, "200")
        (here.folder / "people.pem").write_bytes(b"hunter2")
        told = reload(here)
        assert "client_ca" in told
        assert "hunter2" not in told
        assert curl(here, *shown["new"]) == (0, "200")
        assert curl(here, "-H", f"Authorization: Bearer {here.token}") == (0, "200")

        # From EC to RSA: a client that takes EC alone comes no more, one that takes RSA alone does.
        (here.folder / "people.pem").write_bytes(new.pem)
        put_rsa_certificate(here)
        reload(here)
        kinds = ("--tls-max", "1.2", "--ciphers")
        assert curl(here, *shown["new"], *kinds, "ECDHE-ECDSA-AES128-GCM-SHA256")[0] != 0
        assert curl(here, *shown["new"], *kinds, "ECDHE-RSA-AES128-GCM-SHA256") == (0, "200")
        here.config.write_text(plain)
        reload(here)
        assert curl(here, *shown["new"]) == (0, "401")
        here.stop()
        assert here.verify_audit() == 0
        steps = [entry.get("step") for entry in here.entries() if entry["kind"] == "reload"]
        assert steps == ["changed", "changed", "changed", "failed", "changed", "changed"]


def put_rsa_certificate(here: HttpWorld) -> None:
    """One that signs itself, for this address."""
    key = rsa.generate_private_key(65_537, 2_048)
    secret_file(here.folder / "server.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    options = ["-days", "1", "-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1"]
    line = ["openssl", "req", "-x509", "-key", str(here.folder / "server.key"), "-out", str(here.ca), *options]
    subprocess.run(line, check=True, capture_output=True)
