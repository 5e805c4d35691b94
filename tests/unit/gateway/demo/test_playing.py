from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.decision import Verdict
from gateway.config import Config
from gateway.demo import playing
from gateway.demo.binaries import Binaries, DemoUnavailable
from gateway.demo.certificates import Certificate
from gateway.demo.check import Result, Stage
from gateway.demo.cluster import Cluster, Owner
from gateway.demo.parts.part import Absent, Act, Part
from gateway.demo.playing import command_line, play
from gateway.demo.sample import Rows
from gateway.demo.scenes import Scene, scenes

CHECKOUT = Path(__file__).parents[4]


class World:
    """Stands for the database, the gateway and psql, and remembers what was done to them."""

    def __init__(self, tmp_path: Path, differences: tuple[str, ...] = ()) -> None:
        self.folder = tmp_path / "run"
        self.differences = differences
        self.psql: Path | None = tmp_path / "psql"
        self.steps: list[str] = []
        self.said: list[str] = []
        self.config: Config | None = None
        self.stage: Stage | None = None
        self.checks = False
        self.failure: Exception | None = None
        self.interrupted = threading.Event()

    def binaries(self, environment: Mapping[str, str]) -> Binaries:
        return Binaries(self.folder, self.folder, self.psql)

    def make_folder(self, prefix: str) -> str:
        self.folder.mkdir(mode=0o700)
        return str(self.folder)

    @contextmanager
    def cluster(
        self, binaries: Binaries, folder: Path, superuser: str, certificate: Certificate, owner: Owner
    ) -> Iterator[Cluster]:
        self.steps.append("database up")
        try:
            yield Cluster(port=5433, user=superuser, password="secret", folder=folder)
        finally:
            self.steps.append("database down")

    def fill(self, cluster: Cluster, authority: Path, password: str) -> None:
        self.steps.append("filled")

    def gateway(self, config: Config, environment: Mapping[str, str]) -> object:
        self.config = config
        return object()

    def run(
        self,
        gateway: object,
        *,
        listeners: bool,
        started: Callable[[Sequence[str]], None],
        reload: Callable[[], None],
    ) -> None:
        assert listeners
        self.steps.append("gateway up")
        started(["postgres"])
        if self.checks:
            assert self.interrupted.wait(10)
        self.steps.append("gateway down")

    def interrupt(self, thread: int, number: int) -> None:
        assert thread == threading.main_thread().ident
        self.steps.append(f"signal {signal.Signals(number).name}")
        self.interrupted.set()

    def play_all(self, stage: Stage, shown: Sequence[Scene], rows: Sequence[Rows]) -> tuple[Result, ...]:
        self.stage = stage
        if self.failure is not None:
            raise self.failure
        return tuple(Result(scene, "seen", self.differences) for scene in shown)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(playing, "find_binaries", made.binaries)
    monkeypatch.setattr(playing.tempfile, "mkdtemp", made.make_folder)
    monkeypatch.setattr(playing, "running_cluster", made.cluster)
    monkeypatch.setattr(playing, "fill", made.fill)
    monkeypatch.setattr(playing, "looker", lambda cluster, authority: str)
    monkeypatch.setattr(playing, "Gateway", made.gateway)
    monkeypatch.setattr(playing, "run", made.run)
    monkeypatch.setattr(playing, "play_all", made.play_all)
    monkeypatch.setattr(playing.signal, "pthread_kill", made.interrupt)
    return made


def test_the_lines_are_shown_once_everything_runs_and_all_is_gone_afterwards(world: World) -> None:
    assert play(CHECKOUT, {}, world.said.append, check=False)
    assert world.steps == ["database up", "filled", "gateway up", "gateway down", "database down"]
    (text,) = world.said
    assert all(scene.line() in text for scene in scenes())
    assert not world.folder.exists()


def test_the_gateway_gets_a_configuration_it_accepts(world: World) -> None:
    play(CHECKOUT, {}, world.said.append, check=False)
    assert world.config is not None
    assert [one.name for one in world.config.resource] == ["shop"]


def test_a_check_plays_every_scene_and_then_ends_the_gateway(world: World) -> None:
    world.checks = True
    assert play(CHECKOUT, {}, world.said.append, check=True)
    assert world.steps[2:5] == ["gateway up", "signal SIGINT", "gateway down"]
    assert world.stage is not None
    assert world.stage.psql == world.psql
    assert world.said[0].count("ok  ") == len(scenes())


def test_a_check_that_saw_a_difference_fails(world: World) -> None:
    world.checks = True
    world.differences = ("exit status 0, expected 1",)
    assert not play(CHECKOUT, {}, world.said.append, check=True)
    assert "DIFFERS" in world.said[0]


def test_a_check_that_cannot_be_played_still_ends_everything(world: World) -> None:
    world.checks = True
    world.failure = PermissionError("psql")
    with pytest.raises(PermissionError):
        play(CHECKOUT, {}, world.said.append, check=True)
    assert world.steps[-2:] == ["gateway down", "database down"]
    assert not world.folder.exists()


def test_a_check_without_psql_says_what_to_install_and_starts_nothing(world: World) -> None:
    world.psql = None
    with pytest.raises(DemoUnavailable) as refused:
        play(CHECKOUT, {}, world.said.append, check=True)
    assert "postgresql-client" in refused.value.help
    assert world.steps == []


def test_without_a_check_no_psql_is_needed(world: World) -> None:
    world.psql = None
    assert play(CHECKOUT, {}, world.said.append, check=False)


def test_the_folder_is_gone_when_the_gateway_cannot_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: Config, environment: Mapping[str, str]) -> object:
        raise DemoUnavailable("no")

    monkeypatch.setattr(playing, "Gateway", refuse)
    with pytest.raises(DemoUnavailable):
        play(CHECKOUT, {}, world.said.append, check=False)
    assert world.steps[-1] == "database down"
    assert not world.folder.exists()


def test_the_program_runs_itself_again_by_the_name_it_was_called_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "sallyport"
    installed.write_text("")
    installed.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(installed)])
    assert command_line() == (str(installed),)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert command_line() == (sys.executable, "-m", "gateway.cli")


def test_everything_has_its_parts_and_names_those_that_are_missing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = Act(Scene(Verdict.ALLOW, "ana", "", "words", 0, argv=("echo", "hello")))
    box = Part(
        "A box",
        '\n[[resource]]\nname = "box"\nprotocol = "http"\naddress = "127.0.0.1:1"\ntls = {mode = "disable"}\n',
        {},
        (act,),
    )
    monkeypatch.setattr(playing, "machine", lambda stack, ground: box)
    monkeypatch.setattr(playing, "api", lambda stack, ground: Absent("An API", "no curl"))
    monkeypatch.setattr(playing, "pods", lambda stack, ground: Absent("A cluster", "not built"))
    assert play(CHECKOUT, {}, world.said.append, check=False, everything=True)
    assert world.config is not None
    assert [one.name for one in world.config.resource] == ["shop", "box"]
    assert "  echo hello" in world.said[0]
    world.checks, world.said = True, []
    world.steps.clear()
    assert play(CHECKOUT, {}, world.said.append, check=True, everything=True)
    assert world.said[0].count("ok  ") == len(scenes()) + 1
    assert world.said[1:] == ["An API is not shown: no curl", "A cluster is not shown: not built"]
