"""Values in what programs and terminals show, hidden by the gateway between a real sshd and the real ssh client."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.entry import Entry
from tests.interop.ssh.place import POLICIES, Place, placed
from tests.interop.typing import at_terminal

MASKS = """
hidden if {
	input.resource.protocol == "ssh"
	input.command.protocol == "shell"
}

hidden if {
	some op in input.command.operations
	op.kind in {"raw_shell", "guarded_shell", "terminal", "screen_program"}
}

hidden if contains(input.command.text, "masked-file")

mask contains {"code": "VALUES", "reason": "nobody needs to see them", "values": ["secret.*", "pii.email"], "method": "redact"} if hidden

limit contains {"code": "SEEN", "reason": "kept", "type": "record", "value": true} if hidden
"""
TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"


@pytest.fixture(scope="module")
def hiding() -> Iterator[Place]:
    with placed({"place.rego": POLICIES + MASKS}) as made:
        (made.folder / "token").write_text(f"here {TOKEN} it is\n")
        yield made


def entries_of(place: Place, text: str) -> tuple[Entry, Entry]:
    """The newest decision about a text, and what became of it."""
    decision = next(one for one in reversed(place.decisions()) if text in one.text)
    place.wait_until(
        lambda: any(one.kind == "outcome" and one.decision_id == decision.decision_id for one in place.entries())
    )
    outcome = next(one for one in place.entries() if one.kind == "outcome" and one.decision_id == decision.decision_id)
    return decision, outcome


def test_both_streams_of_a_command_are_masked_recorded_so_and_counted(hiding: Place) -> None:
    command = f"cat {hiding.folder}/token; cat {hiding.folder}/token >&2; echo ann@example.org; exit 4"
    done = hiding.ssh(command)
    assert done.stdout == b"here [redacted] it is\n[redacted]\n"
    assert done.stderr == b"here [redacted] it is\n"
    assert done.returncode == 4
    decision, outcome = entries_of(hiding, command)
    assert (decision.verdict, outcome.masked, outcome.error) == ("mask", 3, "EXIT_4")
    recorded = hiding.recorded_lines(hiding.recordings()[-1].id)
    assert TOKEN.encode() not in recorded
    assert recorded.count(b"[redacted]") == 3


WRITES = {
    "letter by letter": 't=$(cat {t}); for ((i = 0; i < ${{#t}}; i++)); do printf %s "${{t:i:1}}"; sleep 0.01; done',
    "in two, with a pause": "head -c 20 {t}; sleep 0.4; tail -c +21 {t}",
    "painted": "sed 's/gH9/\\x1b[31mgH9\\x1b[0m/; s/mN5/\\x1b]0;x\\x07mN5/' {t}",
    "over a backspace": "sed 's/gH9/gHx\\x089/' {t}",
    "with marks without width": "sed 's/gH9/gH\\xe2\\x80\\x8b9/' {t}",
    "in a title": "printf '\\033]0;%s\\007' \"$(cat {t})\"",
    "beside what was drawn elsewhere": "printf 'x\\033[3;4H%s\\033[5;1Hx' \"$(cut -d' ' -f2 {t})\"",
    "many times": "for i in $(seq 3000); do cat {t}; done",
    "as base64 of a line": "printf 'Authorization: Basic %s\\n' \"$(printf 'ann:hunter2hunter' | base64)\"; cat {t}",
}


@pytest.mark.parametrize("how", WRITES)
def test_a_value_is_hidden_however_it_is_written(hiding: Place, how: str) -> None:
    done = hiding.ssh(WRITES[how].format(t=hiding.folder / "token"))
    assert done.returncode == 0, done.stderr
    assert b"[redacted]" in done.stdout
    for part in (TOKEN[4:12], TOKEN[-8:], "aHVudGVy"):
        assert part.encode() not in done.stdout


def test_a_prompt_is_there_before_it_is_answered(hiding: Place) -> None:
    client = subprocess.Popen(
        hiding.command("printf 'file of 2026-11-28\\nYour name? '; read x; echo hello $x"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    shown = b""
    while not shown.endswith(b"name? "):
        shown += client.stdout.read(1)
    client.stdin.write(b"ana\n")
    client.stdin.close()
    assert client.stdout.read() == b"hello ana\n"
    assert client.wait(20) == 0
    client.stdout.close()


def test_holds_and_denials_stand_as_they_do_without_masks(hiding: Place) -> None:
    denied = hiding.ssh(f"cat {hiding.folder}/token #deny")
    assert (denied.returncode, denied.stdout) == (126, b"")
    client = subprocess.Popen(
        hiding.command(f"cat {hiding.folder}/token #hold"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    hiding.decide_hold(granted=True)
    out, _ = client.communicate(timeout=30)
    assert (out, client.returncode) == (b"here [redacted] it is\n", 0)


def test_what_is_no_text_is_not_shown_and_ends(hiding: Place) -> None:
    done = hiding.ssh(f"echo before; sleep 0.3; gzip -c {hiding.folder}/token; sleep 0.3; cat {hiding.folder}/token")
    assert (done.returncode, done.stdout) == (255, b"before\n")
    assert b"this is no text" in done.stderr


def test_files_that_pass_as_bytes_are_refused(hiding: Place, tmp_path: Path) -> None:
    (hiding.folder / "masked-file").write_text(TOKEN)
    base = hiding.command()
    options = [*base[1 : base.index("-p")], "-P", str(hiding.port)]
    for words in (["scp", *options], ["scp", "-O", *options]):
        done = subprocess.run(
            [*words, f"ana+box@127.0.0.1:{hiding.folder}/masked-file", str(tmp_path / "got")],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode != 0
        assert not (tmp_path / "got").exists() or (tmp_path / "got").read_bytes() == b""
    assert {entry.deny_kind for entry in hiding.decisions() if "masked-file" in entry.text} == {"MASK_UNPROVEN"}


@pytest.mark.usefixtures("terminals")
def test_a_terminal_of_the_target_is_masked_and_recorded_so(hiding: Place) -> None:
    words = hiding.command(options=["-t", "-o", "SetEnv=SALLYPORT_SHELL=raw"], user="bo+box", key="bo")
    with at_terminal(words, size=(40, 100)) as typist:
        typist.until("judged by nobody")
        typist.type("PS1='ready> '; stty -echo\r")
        typist.until("ready> $")
        typist.type(f"cat {hiding.folder}/token\r")
        typist.until(r"here \[redacted\] it is\r\n(?s:.*)ready> ")
        typist.type(
            f"while IFS= read -rn1 x; do printf '%s\\033[0m' \"$x\"; sleep 0.01; done < {hiding.folder}/token; echo\r"
        )
        typist.until("ready> ")
        typist.type("exit\r")
        typist.end()
        assert TOKEN[6:14].encode() not in typist.seen
    _, *events = [json.loads(line) for line in hiding.recorded_lines(hiding.recordings()[-1].id).splitlines()]
    recorded = "".join(data for _, code, data in events if code == "o")
    assert recorded.count("[redacted]") == 2
    assert TOKEN not in recorded
    _, outcome = entries_of(hiding, "shell raw")
    assert outcome.masked == 2


def test_lines_of_a_guarded_shell_are_masked_and_their_variables_go_on(hiding: Place) -> None:
    with at_terminal(hiding.command(options=["-t"]), size=(40, 200)) as typist:
        typist.until(r"guarded:[^\r\n]*\$ ")
        typist.type(f"x=$(cut -d' ' -f2 {hiding.folder}/token); echo got $x; echo got $x >&2\r")
        typist.until(r"\ngot \[redacted\]\r\n(?s:.*)got \[redacted\]\r\n")
        typist.until(r"guarded:[^\r\n]*\$ ")
        typist.type("echo ${#x} long\r")
        typist.until("\n40 long")
        typist.until(r"guarded:[^\r\n]*\$ ")
        typist.type("exit\r")
        assert typist.end() == 0
        assert TOKEN.encode() not in typist.seen


def test_a_long_output_is_masked_as_fast_as_it_is_read(hiding: Place) -> None:
    began = time.monotonic()
    done = hiding.ssh(f"for i in $(seq 200); do seq 10000; cat {hiding.folder}/token; done")
    assert done.stdout.count(b"[redacted]") == 200
    assert TOKEN.encode() not in done.stdout
    assert len(done.stdout) == 200 * (48_894 + len(b"here [redacted] it is\n"))
    assert time.monotonic() - began < 60
