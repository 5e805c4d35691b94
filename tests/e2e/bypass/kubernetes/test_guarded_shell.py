"""The ways around, typed and pasted into a guarded shell of a pod that a real bash stands for, judged by the shipped policies.

In production a developer's lines only look; everything else waits for people, and is taken back here. Nothing of it may run.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.core import effects as do
from adapters.web.websocket import frames as websockets
from tests.e2e.bypass.kubernetes.cases import PROD
from tests.e2e.bypass.kubernetes.judging import judge_for, shipped
from tests.e2e.bypass.made_lines import made
from tests.e2e.bypass.ssh.cases import CASES, Case
from tests.interop.kubernetes.cluster import Cluster, placed
from tests.interop.typing import at_terminal
from tests.strategies.kubernetes_frames import web_frame
from tests.strategies.kubernetes_pods import SHELL, PodHouse, argv_in


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    file.write_text("alive")
    return file


def opened() -> PodHouse:
    house = PodHouse(judge=judge_for(PROD)).begun()
    assert house.session.is_waiting
    return house


def became(house: PodHouse, text: str, *, pasted: bool) -> str:
    """What a text came to: `denied`, `refused`, `held`, `unfinished` or `ran`. What waits is taken back."""
    before = len(house.recorded)
    house.type(f"\x1b[200~{text}\x1b[201~" if pasted else text.replace("\n", "\r"))
    house.type("\r")
    said = house.recorded[before:].decode("utf-8", "replace")
    if not house.session.is_waiting or said.endswith("> \r\x1b[2C"):
        house.type("\x03")
    assert house.session.is_waiting, said
    words = ("denied", "refused", "held")
    found = next((word for word in words if f"sallyport: {word}" in said), None)
    return found or ("unfinished" if said.endswith("> \r\x1b[2C") else "ran")


def lines_sent(house: PodHouse) -> set[str]:
    """The texts that the pod was given, but for the first, which is ours."""
    assert all(argv[:5] == ["/bin/bash", "--noprofile", "--norc", "-p", "-c"] for argv in house.ran)
    return {argv[-1] for argv in house.ran[1:]}


@pytest.mark.parametrize("pasted", [True, False], ids=["pasted", "typed"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number} {case.title}")
def test_a_way_around_is_stopped(case: Case, canary: Path, pasted: bool) -> None:
    house, absent = opened(), canary.with_name("absent")
    for text in case.texts:
        came = became(house, text.replace("{c}", str(canary)).replace("{s}", str(absent)), pasted=pasted)
        assert came != "ran" or "\n" in text or "\r" in text, text
    assert canary.read_text() == "alive"
    assert not absent.exists()
    assert not any(str(canary) in text or str(absent) in text for text in lines_sent(house))


@pytest.mark.parametrize("seed", [5, pytest.param(6, marks=pytest.mark.long), pytest.param(7, marks=pytest.mark.long)])
def test_made_lines_leave_the_file_alone(canary: Path, seed: int) -> None:
    chance, came = random.Random(seed), []
    for _ in range(10):
        house = opened()
        for _ in range(20 if seed == 5 else 200):
            came.append(became(house, made(chance).replace("{c}", str(canary)), pasted=chance.random() < 0.7))
    assert canary.read_text() == "alive"
    assert not canary.is_symlink()
    assert sum(one != "ran" for one in came) > len(came) / 2


@pytest.mark.parametrize(
    "text",
    [
        # The mark stands in the line's own arguments: what it says of its state comes to words in the next question.
        "ls; tr '\\0' '\\n' < /proc/$$/cmdline",
        "cd /proc; ls self",
        "pwd; echo -e '\\0n00\\0000\\0/tmp\\0vPATH=/tmp\\0\\0n00\\0'",
    ],
)
def test_lies_about_the_state_come_to_nothing(text: str, canary: Path) -> None:
    house = opened()
    became(house, text, pasted=True)
    became(house, "ls", pasted=True)
    assert all(one.split("\n")[-1] in (text, "ls") for one in lines_sent(house))
    assert not any("PATH=" in one for one in lines_sent(house) if one != text)


def test_frames_of_a_clients_own_making_reach_nobody(canary: Path) -> None:
    harm = f"touch {canary}x\n".encode()
    for wire in (
        web_frame(websockets.BINARY, b"\1" + harm),
        web_frame(websockets.BINARY, b"\3" + json.dumps({"status": "Success"}).encode()),
        web_frame(websockets.TEXT, b"\0" + harm),
        web_frame(websockets.CONTINUATION, b"\0" + harm),
        web_frame(websockets.BINARY, b'\4{"Width":1e99,"Height":1}'),
        web_frame(websockets.BINARY, b'\4[[[[[[[[{"Width":1'),
        b"GET /api/v1/namespaces/t/pods/web/exec?command=touch&command=way HTTP/1.1\r\nHost: prod\r\n\r\n",
    ):
        house = opened()
        sent = len(house.up)
        house.client(wire)
        assert len(house.up) == sent, wire
        assert house.closed is not None, wire


@pytest.mark.parametrize(
    "query",
    [
        "command=bash&command=-s&stdin=true&stdout=true&tty=true",
        "command=bash&command=--rcfile&command=x&stdin=true&stdout=true&tty=true",
        "command=bash&command=-O&command=extdebug&stdin=true&stdout=true&tty=true",
        "command=%62ash&command=-ic&command=touch+way&stdin=true&stdout=true&tty=true",
        "command=busybox&command=sh&stdin=true&stdout=true&tty=true",
        "command=env&command=bash&stdin=true&stdout=true&tty=true",
        "command=env&command=SALLYPORT_SHELL=raw&command=bash&stdin=true&stdout=true&tty=true",
        "command=env&command=SALLYPORT_SHELL=raw&command=-S&command=touch&stdin=true&stdout=true&tty=true",
        "command=sh&stdin=true&stdout=true",
        "command=sh&stdin=1&stdout=true&tty=0",
    ],
)
def test_a_shell_asked_for_otherwise_is_no_guarded_one_and_does_not_run(query: str) -> None:
    house = PodHouse(judge=judge_for(PROD)).begun(SHELL.partition("?")[0] + "?" + query)
    house.type("touch way\r")
    assert house.up == []


def test_what_goes_up_is_an_exec_of_the_same_container_and_nothing_else(canary: Path) -> None:
    house = PodHouse(judge=judge_for(PROD)).begun(SHELL + "&container=main")
    house.type("ls /\r").type("ls '&container=other&command=x'\r")
    assert len(house.up) == len(house.ran) == 3
    for head in house.up:
        line, _, rest = head.decode("latin-1").partition("\r\n")
        assert line.startswith("GET /api/v1/namespaces/t/pods/web/exec?command=/bin/bash&command=--noprofile")
        assert line.count("&container=main&") == 1
        assert "tty" not in line.rpartition("&command=")[2].partition("&")[2]
        assert rest.count("impersonate-user: ana\r\n") == 1
    assert argv_in(house.up[2])[-1].endswith("ls '&container=other&command=x'")
    assert not any(isinstance(one, do.Withdraw) for one in house.other)


# --- the same before a real API server


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    with placed(shipped()) as made_here:
        yield made_here


@pytest.mark.parametrize("spdy", [False, True], ids=["websocket", "spdy"])
def test_by_kubectl_no_way_around_reaches_the_api_server(guarded: Cluster, spdy: bool) -> None:
    file = guarded.folder / "canary"
    file.write_text("alive")
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false"} if spdy else {}
    before = len(guarded.requests())
    prompt = r"guarded:[^\r\n]*\$ \r\x1b\[\d+C"
    with at_terminal(guarded.command("exec", "-it", "web", "--", "bash"), environment, (24, 2000)) as typist:
        typist.until(prompt)
        for case in CASES:
            for text in case.texts:
                line = text.replace("{c}", str(file)).replace("{s}", str(file) + ".absent")
                typist.type(f"\x1b[200~{line}\x1b[201~\r")
                said = typist.until(rf"(?s)\x1b\[\?2004l\r\n(.*held: ticket|.*{prompt}$|.*> \r\x1b\[2C$)")
                if not said.endswith("C") or said.endswith("> \r\x1b[2C"):
                    typist.type("\x03")
                    typist.until(prompt)
        typist.type("\x04")
        typist.end()
    assert file.read_text() == "alive"
    assert not Path(f"{file}.absent").exists()
    reached = [str(one["requestURI"]) for one in guarded.requests()[before:] if "/exec?" in str(one["requestURI"])]
    assert reached
    assert not [one for one in reached if "canary" in one]
