"""One run of the demonstration, from an empty temporary folder to its removal. Called by `gateway.cli.demo`.

The database is a process of its own; the gateway runs in this one, exactly as `sallyport up` runs it. With `check` the
scenes are played as soon as it is ready, and the run ends by itself.
"""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from gateway.app.assembly import Gateway
from gateway.app.running import run
from gateway.config import load_config
from gateway.demo.binaries import Binaries, DemoUnavailable, find_binaries
from gateway.demo.certificates import loopback_certificate
from gateway.demo.check import Result, Stage, play_acts, play_all, table
from gateway.demo.cluster import free_port, running_cluster, server_owner
from gateway.demo.database import fill, looker
from gateway.demo.parts.api import api
from gateway.demo.parts.machine import machine
from gateway.demo.parts.part import Absent, Act, Found, Part
from gateway.demo.parts.pods import pods
from gateway.demo.sample import sample_rows
from gateway.demo.scenes import scenes
from gateway.demo.stage import Setup, example_policies, invitation, prepare, set_up
from gateway.telemetry import set_up_log

SUPERUSER = "postgres"
Say = Callable[[str], None]


def play(checkout: Path, environment: Mapping[str, str], say: Say, *, check: bool, everything: bool = False) -> bool:
    """Run the demonstration until it is interrupted, or, with `check`, until it was played. `everything`: with all parts that this machine
    has beside the database; those that it lacks are named.

    True when nothing differed. Raises DemoUnavailable when a component is missing.
    """
    binaries = find_binaries(environment)
    psql = binaries.psql
    if check and psql is None:
        raise DemoUnavailable("no `psql` found", help="install it (Debian: apt-get install postgresql-client)")
    policies = example_policies(checkout)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="sallyport-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        setup, look, parts = _prepare(stack, folder, binaries, policies, checkout, environment if everything else None)
        acts = [act for part in parts if isinstance(part, Part) for act in part.acts]
        set_up_log("warning", as_json=False)
        gateway = Gateway(load_config(setup.configuration, {}), {})
        # WHY a thread of its own: whatever fails while playing, the gateway's own thread must still be ended in order.
        player = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="player"))
        playing: list[Future[tuple[Result, ...]]] = []

        def started(places: Sequence[str]) -> None:
            if check and psql is not None:
                stage = Stage(psql, setup.service_file, (*command_line(), "approve"), setup.configuration, look)
                playing.append(player.submit(_play, stage, acts))
                playing[0].add_done_callback(lambda _: _interrupt())
            else:
                say(invitation(setup, scenes(), command_line(), parts))

        run(gateway, listeners=True, started=started, reload=lambda: None)
        results = [result for played in playing for result in played.result()]
    if not check:
        return True
    say(table(results))
    for absent in (one for one in parts if isinstance(one, Absent)):
        say(f"{absent.name} is not shown: {absent.reason}")
    return bool(results) and not any(result.differences for result in results)


def _play(stage: Stage, acts: Sequence[Act]) -> tuple[Result, ...]:
    return (*play_all(stage, scenes(), sample_rows()), *play_acts(stage, acts))


def command_line() -> tuple[str, ...]:
    """The words that run this program again, in another process."""
    here = Path(sys.argv[0])
    if here.name == "sallyport" and os.access(here, os.X_OK):
        return (str(here.absolute()),)
    return (sys.executable, "-m", "gateway.cli")


def _interrupt() -> None:
    """End the run as Ctrl-C would."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)


def _prepare(
    stack: ExitStack,
    folder: Path,
    binaries: Binaries,
    policies: Path,
    checkout: Path,
    environment: Mapping[str, str] | None,
) -> tuple[Setup, Callable[[str], str], tuple[Found, ...]]:
    """The database with its data, the other parts where an environment is given, and the files of the gateway and of psql."""
    # WHY: the server may run as another user, who must get through here; nothing else in it is theirs to read.
    folder.chmod(0o711)
    ours = folder / "gateway"
    ours.mkdir(mode=0o700)
    certificate = loopback_certificate(datetime.datetime.now(datetime.UTC))
    owner = server_owner(os.geteuid())
    cluster = stack.enter_context(running_cluster(binaries, folder / "postgres", SUPERUSER, certificate, owner))
    ground = prepare(ours, certificate, checkout, environment or {})
    parts = () if environment is None else tuple(start(stack, ground) for start in (machine, api, pods))
    setup = set_up(ours, cluster, policies, free_port(), [part for part in parts if isinstance(part, Part)])
    fill(cluster, setup.authority, setup.database_password)
    return setup, looker(cluster, setup.authority), parts
