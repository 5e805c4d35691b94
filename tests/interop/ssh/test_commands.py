"""Commands of the unmodified ssh client: run, refused, held; streams and endings exactly as without us."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import threading

import asyncssh
import pytest

from gateway.audit.entry import Entry
from tests.interop.ssh.place import WAIT, Place

MIB = 1 << 20


def test_an_allowed_command_runs_with_its_streams_and_status(place: Place) -> None:
    done = place.ssh("cat; echo to-stderr >&2; exit 7", data=b"from the client")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"from the client", b"to-stderr\n")


@pytest.mark.parametrize("status", [0, 1, 2, 126, 127, 128, 255])
def test_every_exit_status_comes_through(place: Place, status: int) -> None:
    assert place.ssh(f"exit {status}").returncode == status


def test_a_command_that_a_signal_ended_is_told_as_one(place: Place) -> None:
    done = place.ssh("kill -9 $$")
    assert done.returncode == 255
    # An outcome is written with the next entry, or a moment later.
    place.wait_until(lambda: any(entry.error == "SIGNAL_KILL" for entry in place.entries()[-3:]))


def test_a_denied_command_says_why_and_runs_nothing(place: Place) -> None:
    canary = place.folder / "denied-canary"
    done = place.ssh(f"touch {canary} #deny")
    assert done.returncode == 126
    assert done.stdout == b""
    said = done.stderr.decode()
    assert "sallyport: denied: the mark says no\n" in said
    assert "rule place/MARKED" in said
    assert not canary.exists()
    entry = place.decisions()[-1]
    assert (entry.verdict, entry.text, entry.protocol) == ("deny", f"touch {canary} #deny", "shell")


def test_the_text_that_was_asked_about_is_the_text_that_runs(place: Place) -> None:
    odd = r"""printf '%s|' "a'b" 'c"d' \\e $'f\ng' "$((1+1))" 'é' '!x' "`echo i`" *; echo"""
    done = place.ssh(odd)
    local = subprocess.run(["/bin/bash", "-c", odd], cwd=place.home, capture_output=True, check=True)
    assert done.stdout == local.stdout
    assert place.decisions()[-1].text == odd


def test_several_lines_and_here_documents_run_as_one_text(place: Place) -> None:
    text = "cat <<'E'\n$x `y`\nE\nfor i in 1 2; do\n  echo $i\ndone"
    assert place.ssh(text).stdout == b"$x `y`\n1\n2\n"


def test_the_target_sees_no_functions_or_start_files_of_an_environment(place: Place) -> None:
    done = place.ssh("echo ${BASH_ENV:-none} $-; type ls")
    assert b"none" in done.stdout
    assert b"function" not in done.stdout


def test_a_held_command_waits_says_so_and_runs_once_it_is_approved(place: Place) -> None:
    client = subprocess.Popen(place.command("echo released #hold"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ticket = place.decide_hold(granted=True)
    out, err = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == (0, b"released\n")
    said = err.decode()
    assert f"sallyport: held: ticket {ticket.id}: somebody looks first\n" in said
    assert "may approve: ops" in said
    assert f"approve with: sallyport approve {ticket.id}" in said
    assert f"approved: ticket {ticket.id}" in said
    assert ticket.text == "echo released #hold"


def test_input_that_came_while_a_command_waited_reaches_it(place: Place) -> None:
    client = subprocess.Popen(
        place.command("sha256sum #hold"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    sent = os.urandom(3 * MIB)
    result: list[bytes] = []
    feeding = threading.Thread(target=lambda: result.extend(client.communicate(sent)), daemon=True)
    feeding.start()
    place.decide_hold(granted=True)
    feeding.join(WAIT)
    assert result[0].split()[0].decode() == hashlib.sha256(sent).hexdigest()


def test_a_refused_hold_is_a_denial_with_its_reason(place: Place) -> None:
    client = subprocess.Popen(place.command("echo never #hold"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    place.decide_hold(granted=False)
    out, err = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == (126, b"")
    assert b"refused by opal: not today" in err


def test_a_client_that_leaves_takes_its_hold_with_it(place: Place) -> None:
    canary = place.folder / "left-canary"
    client = subprocess.Popen(place.command(f"touch {canary} #hold"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ticket = place.wait_for_hold()
    client.terminate()
    client.communicate(timeout=WAIT)
    place.wait_until(lambda: (found := place.gateway.approvals.get(ticket.id)) is not None and found.is_over)
    found = place.gateway.approvals.get(ticket.id)
    assert found is not None
    assert found.state == "withdrawn"
    assert not canary.exists()


def test_ten_megabytes_go_both_ways_unchanged(place: Place) -> None:
    sent = os.urandom(10 * MIB)
    done = place.ssh("cat", data=sent)
    assert done.returncode == 0
    assert done.stdout == sent


def test_output_of_both_streams_is_whole_though_the_command_ends_at_once(place: Place) -> None:
    done = place.ssh("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2")
    assert (len(done.stdout), len(done.stderr)) == (3_000_000, 2_000_000)


def test_the_end_of_input_is_not_the_end_of_output(place: Place) -> None:
    done = place.ssh("wc -c; sleep 0.2; echo after", data=b"12345")
    assert done.stdout == b"5\nafter\n"


def test_a_slow_reader_slows_the_command_down(place: Place) -> None:
    text = "head -c 200000000 /dev/zero"
    client = subprocess.Popen(place.command(text), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert client.stdout is not None
    assert client.stdout.read(1) == b"\0"
    threading.Event().wait(1.0)
    client.kill()
    client.communicate(timeout=WAIT)
    decided = next(entry for entry in reversed(place.decisions()) if entry.text == text)

    def outcomes() -> list[Entry]:
        return [one for one in place.entries() if one.kind == "outcome" and one.decision_id == decided.decision_id]

    place.wait_until(lambda: bool(outcomes()))
    (outcome,) = outcomes()
    assert outcome.error == "CLIENT_GONE"
    assert (outcome.bytes or 0) < 20 * MIB


def test_many_channels_of_one_connection_are_each_decided(place: Place) -> None:
    control = ["-o", f"ControlPath={place.folder}/mux", "-o", "ControlMaster=auto", "-o", "ControlPersist=60"]
    # WHY no pipes for the first one: the master it leaves behind would keep them open.
    first = subprocess.run(
        place.command("exit 3", options=control), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert first.returncode == 3
    assert place.ssh("echo two", options=control).stdout == b"two\n"
    assert place.ssh("echo three #deny", options=control).returncode == 126
    assert place.ssh("echo four", options=control).stdout == b"four\n"
    subprocess.run(place.command(options=[*control, "-O", "exit"]), capture_output=True, check=True)
    sessions = {entry.session for entry in place.decisions()[-4:]}
    assert len(sessions) == 1


def test_a_client_has_more_channels_than_the_target_takes_on_one_connection(place: Place) -> None:
    # OpenSSH's own limit is ten.
    async def run() -> list[object]:
        options = asyncssh.SSHClientConnectionOptions(
            username="ana+box",
            client_keys=[str(place.folder / "ana")],
            known_hosts=str(place.folder / "gateway_hosts"),
            config=None,
        )
        async with asyncssh.connect("127.0.0.1", place.port, options=options) as connection:
            waiting = [await connection.create_process("cat") for _ in range(24)]
            for number, process in enumerate(waiting):
                process.stdin.write(f"{number}")
                process.stdin.write_eof()
            return [(await process.wait()).stdout for process in waiting]

    assert asyncio.run(run()) == [f"{number}" for number in range(24)]


def test_a_client_that_asks_whether_we_live_is_answered_while_it_waits(place: Place) -> None:
    # Left after four seconds without any answer, not where one of them is only late.
    alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=3"]
    client = subprocess.Popen(
        place.command("echo patient #hold", options=alive), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    place.wait_for_hold()
    with pytest.raises(subprocess.TimeoutExpired):
        client.wait(7)
    place.decide_hold(granted=True)
    out, _ = client.communicate(timeout=WAIT)
    assert (client.returncode, out) == (0, b"patient\n")


def test_allowed_variables_reach_the_target_and_no_others(place: Place) -> None:
    done = place.ssh(
        "env",
        options=["-o", "SendEnv=LANG LC_* LD_PRELOAD BASH_ENV PATH GIT_SSH_COMMAND"],
        environment={
            "LANG": "de_DE.UTF-8",
            "LC_ALL": "zh_TW.Big5",
            "LD_PRELOAD": "",
            "BASH_ENV": "/tmp/evil",
            "GIT_SSH_COMMAND": "touch /tmp/x",
        },
    )
    seen = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
    assert seen["LANG"] == "de_DE.UTF-8"
    assert {"LC_ALL", "BASH_ENV", "GIT_SSH_COMMAND", "LD_PRELOAD"} & set(seen) == set()
    refused = {entry.text for entry in place.decisions()[-8:] if entry.protocol == "ssh"}
    assert {'variable "LC_ALL"', 'variable "BASH_ENV"', 'variable "GIT_SSH_COMMAND"'} <= refused


def test_a_client_that_insists_on_a_terminal_is_refused(place: Place) -> None:
    # Some clients end when they read the refusal, some run the command without a terminal; which of both is a race of theirs.
    done = place.ssh("test -t 0 && echo given; test -t 1 && echo given", options=["-tt"])
    assert b"given" not in done.stdout
    assert "terminal" in [entry.text for entry in place.decisions()[-3:]]


def test_the_target_lost_in_the_middle_is_told(place: Place) -> None:
    client = subprocess.Popen(
        place.command("echo begun; read x; kill -9 $PPID; sleep 60"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"begun\n"
    out, err = client.communicate(b"now\n", timeout=WAIT)
    assert client.returncode == 255
    assert out == b""
    assert b"sallyport: the target: the connection was lost" in err


def test_a_target_with_another_key_gets_nothing(place: Place) -> None:
    done = place.ssh("echo hello", user="ana+wrong-key")
    assert (done.returncode, done.stdout) == (255, b"")
    assert b"its key is not the one that is known" in done.stderr


def test_a_target_that_is_not_there_is_told(place: Place) -> None:
    done = place.ssh("echo hello", user="ana+gone")
    assert done.returncode == 255
    assert b"sallyport: the target: it cannot be reached" in done.stderr
