"""What people drive over ssh, unmodified: git, rsync, Ansible, paramiko, one connection for many, jumps through us and to us. Each allowed, masked, held and denied."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.interop.built import packaged
from tests.interop.ssh.place import ME, POLICIES, WAIT, Place, placed

SOURCES = Path(__file__).parent / "clients"
ANSIBLE = "ansible-core==2.19.14"
PARAMIKO = "paramiko==5.1.0"
MARKS = """
mask contains {"code": "VALUES", "reason": "nobody needs to see them", "values": ["pii.email"], "method": "redact"} if {
	mine
	contains(input.command.text, "mask-me")
}

deny contains {"code": "ELSEWHERE", "reason": "not from here"} if {
	mine
	contains(input.command.text, "elsewhere.example")
}

hold contains {"code": "BY_NAME", "reason": "somebody looks first", "approvers": {"groups": ["ops"]}, "expires": "5m"} if {
	mine
	contains(input.command.text, `connect "localhost"`)
}

deny contains {"code": "MODULE", "reason": "this module is not run here"} if {
	mine
	contains(input.command.text, "AnsiballZ_replace")
}

hold contains {"code": "MODULE_LOOK", "reason": "somebody looks first", "approvers": {"groups": ["ops"]}, "expires": "5m"} if {
	mine
	regex.match(`python[^ ]* .*AnsiballZ_lineinfile`, input.command.text)
}
"""
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def tools() -> Iterator[Place]:
    with placed({"place.rego": POLICIES + MARKS}) as made:
        (made.folder / "mask-me").write_text("ask ann@example.org\n")
        yield made


@contextmanager
def answered(place: Place, *, granted: bool) -> Iterator[list[str]]:
    """Whatever is held meanwhile is granted or refused; the texts that were."""
    held: list[str] = []
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.05):
            for ticket in place.gateway.approvals.pending(0):
                held.append(ticket.shown.text)
                place.decide_hold(granted=granted)

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        yield held
    finally:
        over.set()
        answering.join(WAIT)


def run(words: Sequence[str], data: str = "", **environment: str) -> Done:
    return subprocess.run(
        list(words),
        input=data,
        capture_output=True,
        text=True,
        timeout=WAIT * 2,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        check=False,
    )


# --- git


def git(place: Place, *words: str) -> Done:
    names = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@t"))
    }
    return run(["git", *words], GIT_SSH_COMMAND=" ".join(place.command()[:-3]), GIT_CONFIG_GLOBAL="/dev/null", **names)


def repository(place: Place, name: str) -> tuple[Path, str]:
    """An empty one on the target, and where it is for git."""
    bare = place.folder / name
    assert git(place, "init", "-q", "--bare", "-b", "main", str(bare)).returncode == 0
    return bare, f"ssh://ana+box@127.0.0.1:{place.port}{bare}"


def committed(place: Place, name: str) -> Path:
    """A repository of the client's with one commit."""
    work = place.folder / name
    for words in (("init", "-q", "-b", "main", "."), ("commit", "-q", "--allow-empty", "-m", "one")):
        work.mkdir(exist_ok=True)
        done = git(place, "-C", str(work), *words)
        assert done.returncode == 0, done.stderr
    return work


def test_git_clones_and_pushes(tools: Place) -> None:
    bare, url = repository(tools, "repo.git")
    work = tools.folder / "work"
    assert git(tools, "clone", "-q", url, str(work)).returncode == 0
    (work / "file").write_text("content")
    for words in (("add", "file"), ("commit", "-qm", "one"), ("push", "-q", "origin", "HEAD:main")):
        done = git(tools, "-C", str(work), *words)
        assert (done.returncode, done.stderr) == (0, "")
    done = git(tools, "clone", "-q", url, str(tools.folder / "again"))
    assert (done.returncode, (tools.folder / "again" / "file").read_text()) == (0, "content")
    texts = [entry.text for entry in tools.decisions()]
    assert f"git-upload-pack '{bare}'" in texts
    assert f"git-receive-pack '{bare}'" in texts


def test_git_is_told_why_not(tools: Place) -> None:
    work = committed(tools, "unpushed")
    for name, why in (("x#deny.git", "the mark says no"), ("mask-me.git", "MASK_UNPROVEN")):
        bare, url = repository(tools, name)
        done = git(tools, "-C", str(work), "push", url.replace("#", "%23"), "main")
        assert done.returncode != 0
        assert why in done.stderr
        assert not list((bare / "refs" / "heads").iterdir())


@pytest.mark.parametrize("granted", [True, False])
def test_git_waits_while_it_is_held(tools: Place, granted: bool) -> None:
    work = committed(tools, "held")
    bare, url = repository(tools, f"x#hold{granted}.git")
    with answered(tools, granted=granted) as held:
        done = git(tools, "-C", str(work), "push", url.replace("#", "%23"), "main")
    assert held == [f"git-receive-pack '{bare}'"]
    assert "sallyport: held: ticket" in done.stderr
    assert (done.returncode == 0, (bare / "refs" / "heads" / "main").exists()) == (granted, granted)


# --- one connection for many


def test_channels_of_one_connection_are_allowed_masked_held_and_denied(tools: Place) -> None:
    control = ["-o", f"ControlPath={tools.folder}/mux", "-o", "ControlMaster=auto", "-o", "ControlPersist=60"]
    # WHY no pipes for the first one: the master it leaves behind would keep them open.
    first = subprocess.run(
        tools.command("exit 3", options=control), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    assert first.returncode == 3
    masked = tools.ssh(f"cat {tools.folder}/mask-me", options=control)
    assert (masked.returncode, masked.stdout) == (0, b"ask [redacted]\n")
    assert tools.ssh("echo '#deny'", options=control).returncode == 126
    with answered(tools, granted=True) as held:
        assert tools.ssh("echo '#hold'", options=control).stdout == b"#hold\n"
    assert len(held) == 1
    copied = run(["scp", *tools.command(options=control)[1:-3], "-P", str(tools.port), *scp_words(tools)])
    assert copied.returncode == 0, copied.stderr
    subprocess.run(tools.command(options=[*control, "-O", "exit"]), capture_output=True, check=True)
    assert len({entry.session for entry in tools.decisions()[-7:]}) == 1


def scp_words(place: Place) -> tuple[str, str]:
    return str(place.folder / "ana.pub"), f"ana+box@127.0.0.1:{place.folder}/shared"


@pytest.mark.parametrize("options", [(), ("-O",)], ids=["sftp", "legacy"])
def test_scp_does_not_show_what_is_masked_and_waits_while_it_is_held(tools: Place, options: tuple[str, ...]) -> None:
    base = ["scp", *options, *tools.command()[1:-3], "-P", str(tools.port)]
    near = tools.folder / f"near{len(options)}"
    masked = run([*base, f"ana+box@127.0.0.1:{tools.folder}/mask-me", str(near)])
    assert masked.returncode != 0
    assert not near.exists() or near.read_bytes() == b""
    far = tools.folder / f"far{len(options)}#hold"
    with answered(tools, granted=True) as held:
        done = run([*base, str(tools.folder / "ana.pub"), f"ana+box@127.0.0.1:{far}"])
    assert (done.returncode, bool(held)) == (0, True), done.stderr
    assert far.read_text() == (tools.folder / "ana.pub").read_text()


# --- rsync


def rsync(place: Place, *words: str) -> Done:
    if shutil.which("rsync") is None:
        missing("rsync (apt: rsync)")
    return run(["rsync", "-e", " ".join(place.command()[:-1]), *words])


def test_rsync_copies_a_tree_both_ways_and_what_changed_alone(tools: Place) -> None:
    source, there, back = (tools.folder / name for name in ("from", "there", "back"))
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "large").write_bytes(os.urandom(4 << 20))
    (source / "name with blanks").write_text("a")
    up = rsync(tools, "-a", f"{source}/", f"ana+box@127.0.0.1:{there}/")
    assert (up.returncode, up.stderr) == (0, "")
    with (source / "inner" / "large").open("r+b") as file:
        file.write(b"changed")
    (source / "name with blanks").unlink()
    again = rsync(tools, "-a", "--checksum", "--delete", "--stats", f"{source}/", f"ana+box@127.0.0.1:{there}/")
    assert again.returncode == 0, again.stderr
    matched = next(line for line in again.stdout.splitlines() if line.startswith("Matched data"))
    assert int(matched.split()[2].replace(",", "")) > 3 << 20
    down = rsync(tools, "-az", f"ana+box@127.0.0.1:{there}/", f"{back}/")
    assert (down.returncode, down.stderr) == (0, "")
    assert (back / "inner" / "large").read_bytes() == (source / "inner" / "large").read_bytes()
    assert sorted(path.name for path in back.iterdir()) == ["inner"]


def test_rsync_is_told_why_not_and_nothing_comes_to_be(tools: Place) -> None:
    (tools.folder / "one").write_text("a")
    for mark, why in (("x#deny", "the mark says no"), ("mask-me-too", "MASK_UNPROVEN")):
        done = rsync(tools, "-a", f"{tools.folder}/one", f"ana+box@127.0.0.1:{tools.folder}/{mark}")
        assert done.returncode != 0
        assert why in done.stderr
        assert not (tools.folder / mark).exists()


@pytest.mark.parametrize("granted", [True, False])
def test_rsync_waits_while_it_is_held(tools: Place, granted: bool) -> None:
    (tools.folder / "one").write_text("a")
    far = tools.folder / f"x#hold{granted}"
    with answered(tools, granted=granted) as held:
        done = rsync(tools, "-a", f"{tools.folder}/one", f"ana+box@127.0.0.1:{far}")
    assert len(held) == 1
    assert "rsync --server" in held[0]
    assert "sallyport: held: ticket" in done.stderr
    assert (done.returncode == 0, far.exists()) == (granted, granted)


# --- Ansible


def ansible(place: Place, *words: str) -> tuple[int, dict[str, object], str]:
    """One module; its exit status, its result and all that was said."""
    packages = packaged(SOURCES / "ansible", ANSIBLE) / "packages"
    hosts = place.folder / "inventory"
    options = " ".join(place.command()[1:-3])
    hosts.write_text(
        f"box ansible_host=127.0.0.1 ansible_port={place.port} ansible_user=ana+box ansible_ssh_common_args='{options}'"
        f" ansible_python_interpreter={sys.executable} ansible_remote_tmp={place.folder}/ansible-far ansible_ssh_transfer_method=sftp\n"
    )
    done = run(
        [sys.executable, "-m", "ansible", "adhoc", "-i", str(hosts), "box", *words],
        PYTHONPATH=str(packages),
        ANSIBLE_HOME=str(place.folder / "ansible"),
        ANSIBLE_NOCOLOR="1",
    )
    _, arrow, told = done.stdout.partition("=> ")
    return done.returncode, json.loads(told) if arrow else {}, done.stdout + done.stderr


@pytest.mark.timeout(400)
def test_ansible_pings_and_copies(tools: Place) -> None:
    status, told, said = ansible(tools, "-m", "ping")
    assert (status, told.get("ping")) == (0, "pong"), said
    source, there = tools.folder / "settings", tools.folder / "copied settings"
    source.write_text("a = 1\n")
    for changed in (True, False):
        status, told, said = ansible(tools, "-m", "copy", "-a", f"src={source} dest='{there}' mode=0600")
        assert (status, told.get("changed")) == (0, changed), said
    assert (there.read_text(), there.stat().st_mode & 0o777) == ("a = 1\n", 0o600)
    texts = [entry.text for entry in tools.decisions()]
    assert any(text.startswith('sftp write "') and text.endswith('AnsiballZ_copy.py"') for text in texts)
    assert not list((tools.folder / "ansible-far").iterdir())


def test_ansible_reads_what_is_masked(tools: Place) -> None:
    status, _, said = ansible(tools, "-m", "raw", "-a", f"cat {tools.folder}/mask-me")
    assert status == 0, said
    assert "ask [redacted]" in said
    assert "ann@" not in said


@pytest.mark.timeout(400)
def test_ansible_is_told_why_a_module_does_not_run(tools: Place) -> None:
    kept = tools.folder / "kept"
    kept.write_text("a")
    status, _, said = ansible(tools, "-m", "replace", "-a", f"path={kept} regexp=a replace=b")
    assert status != 0
    assert "Permission denied" in said
    assert kept.read_text() == "a"
    asked = [entry for entry in tools.decisions() if "AnsiballZ_replace" in entry.text and "write" in entry.text]
    assert asked
    assert all(entry.verdict == "deny" and "place/MODULE" in repr(entry) for entry in asked)
    status, _, said = ansible(tools, "-m", "ping", "-e", "ansible_pipelining=true")
    assert status != 0, "a program that comes on standard input is seen by nobody"
    assert "engine/NO_MATCH" in said


@pytest.mark.timeout(400)
@pytest.mark.parametrize("granted", [True, False])
def test_ansible_waits_while_a_module_is_held(tools: Place, granted: bool) -> None:
    far = tools.folder / f"lines{granted}"
    with answered(tools, granted=granted) as held:
        status, _, said = ansible(tools, "-m", "lineinfile", "-a", f"path={far} line=x create=true")
    assert held, said
    assert (status == 0, far.exists()) == (granted, granted), said
    assert granted or "not today" in said


# --- paramiko


def paramiko(place: Place, do: str, *words: str, data: str = "") -> Done:
    client = packaged(SOURCES / "paramiko", PARAMIKO)
    hosts = place.folder / "paramiko_hosts"
    key = (place.folder / "gateway_host.pub").read_text().split()
    hosts.write_text(f"[127.0.0.1]:{place.port} {key[0]} {key[1]}\n")
    program = [sys.executable, str(client / "client.py"), str(place.port), str(place.folder / "ana"), str(hosts)]
    return run([*program, do, *words], data, PYTHONPATH=str(client / "packages"))


def test_paramiko_runs_commands_and_is_told_why_not(tools: Place) -> None:
    done = paramiko(tools, "exec", "cat; echo far >&2; exit 3", data="given")
    assert (done.returncode, done.stdout, done.stderr) == (3, "given", "far\n")
    masked = paramiko(tools, "exec", f"cat {tools.folder}/mask-me")
    assert (masked.returncode, masked.stdout) == (0, "ask [redacted]\n")
    denied = paramiko(tools, "exec", f"touch {tools.folder}/p#deny")
    assert denied.returncode == 126
    assert "the mark says no" in denied.stderr
    assert not (tools.folder / "p#deny").exists()


@pytest.mark.parametrize("granted", [True, False])
def test_paramiko_waits_while_a_command_is_held(tools: Place, granted: bool) -> None:
    with answered(tools, granted=granted) as held:
        done = paramiko(tools, "exec", "echo done '#hold'")
    assert len(held) == 1
    assert (done.returncode, done.stdout) == ((0, "done #hold\n") if granted else (126, ""))
    assert "sallyport: held: ticket" in done.stderr


def test_paramiko_moves_files(tools: Place) -> None:
    source, there, back = (tools.folder / f"paramiko-{name}" for name in ("source", "there", "back"))
    source.write_bytes(os.urandom(5 << 20))
    for words in (("put", str(source), str(there)), ("get", str(there), str(back))):
        done = paramiko(tools, *words)
        assert (done.returncode, done.stderr) == (0, "")
    assert source.read_bytes() == there.read_bytes() == back.read_bytes()
    denied = paramiko(tools, "put", str(source), str(tools.folder / "paramiko#deny"))
    assert denied.returncode != 0
    assert not (tools.folder / "paramiko#deny").exists()
    masked = paramiko(tools, "get", str(tools.folder / "mask-me"), str(back))
    assert masked.returncode != 0
    with answered(tools, granted=True) as held:
        done = paramiko(tools, "get", str(there), str(back.with_name("late#hold")))
        waited = paramiko(tools, "put", str(source), str(tools.folder / "paramiko#hold"))
    assert (done.returncode, waited.returncode) == (0, 0), waited.stderr
    assert held
    assert (tools.folder / "paramiko#hold").read_bytes() == source.read_bytes()


def test_paramiko_connects_through_the_target(tools: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                taken.sendall(b"spoken first")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = paramiko(tools, "connect", "127.0.0.1", str(port))
        assert (done.returncode, done.stdout) == (0, "spoken first")
        thread.join(WAIT)
    denied = paramiko(tools, "connect", "elsewhere.example", str(port))
    assert denied.returncode != 0
    assert "not from here" in denied.stderr


# --- jumps


def direct(place: Place, *options: str) -> list[str]:
    """ssh to the target itself, with its key, by whatever way the options say."""
    known = place.folder / "jump_hosts"
    key = " ".join((place.folder / "target_host.pub").read_text().split()[:2])
    gateway = " ".join((place.folder / "gateway_host.pub").read_text().split()[:2])
    known.write_text(
        "".join(f"[{name}]:{place.sshd_port} {key}\n" for name in ("127.0.0.1", "localhost"))
        + f"[127.0.0.1]:{place.port} {gateway}\n"
    )
    base = [f"UserKnownHostsFile={known}", "StrictHostKeyChecking=yes", "BatchMode=yes", "IdentitiesOnly=yes"]
    words = [word for option in base for word in ("-o", option)]
    return ["ssh", "-F", "none", *words, *options, "-p", str(place.sshd_port), f"{ME}@127.0.0.1"]


def configured(place: Place) -> Path:
    """What says how to reach the gateway, for the ssh that a jump starts by itself."""
    file = place.folder / "ssh_config"
    file.write_text(
        f"Host gate\n  HostName 127.0.0.1\n  Port {place.port}\n  User ana+box\n  IdentityFile {place.folder}/ana\n"
        f"  IdentitiesOnly yes\n  BatchMode yes\n  UserKnownHostsFile {place.folder}/gateway_hosts\n"
        f"Host 127.0.0.1 localhost elsewhere.example\n  Port {place.sshd_port}\n  User {ME}\n"
        f"  IdentityFile {place.folder}/gateway_key\n  IdentitiesOnly yes\n  BatchMode yes\n"
        f"  UserKnownHostsFile {place.folder}/jump_hosts\n  StrictHostKeyChecking yes\n"
    )
    return file


@pytest.mark.parametrize("way", ["jump", "command"])
def test_a_jump_through_the_gateway_is_asked_about_by_where_it_leads(tools: Place, way: str) -> None:
    direct(tools)
    config = str(configured(tools))
    through = ["-J", "gate"] if way == "jump" else ["-o", f"ProxyCommand=ssh -F {config} -W %h:%p gate"]

    def far(host: str) -> Done:
        return run(["ssh", "-F", config, *through, host, "echo over there; exit 5"])

    done = far("127.0.0.1")
    assert (done.returncode, done.stdout) == (5, "over there\n"), done.stderr
    assert f'connect "127.0.0.1" "{tools.sshd_port}"' in [entry.text for entry in tools.decisions()]
    denied = far("elsewhere.example")
    assert denied.returncode == 255
    assert "not from here" in denied.stderr
    for granted in (True, False):
        with answered(tools, granted=granted) as held:
            done = far("localhost")
        assert len(held) == 1
        assert done.returncode == (5 if granted else 255), done.stderr


def test_the_gateway_may_be_behind_a_jump_itself(tools: Place) -> None:
    jump = direct(tools, "-i", str(tools.folder / "gateway_key"))
    words = ["-o", f"ProxyCommand={' '.join([*jump[:-1], '-W', '%h:%p', jump[-1]])}"]
    done = tools.ssh("echo here", options=words)
    assert (done.returncode, done.stdout) == (0, b"here\n"), done.stderr
    denied = tools.ssh("echo '#deny'", options=words)
    assert (denied.returncode, denied.stdout) == (126, b"")
