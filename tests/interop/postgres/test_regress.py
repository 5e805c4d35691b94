"""PostgreSQL's own regression suite, directly and through a configured gateway that allows everything.

Run by the tools' `regress.sh`, which brings the sources and `pg_regress`. A test counts as different when its outcome is
another, or when it fails both ways and says something else. Long: 215 tests, twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.cluster import free_port
from tests.conftest import ROOT, missing
from tests.interop.built import built
from tests.interop.postgres import builds
from tests.interop.postgres.up import Up

DIFFERENCES = Path(__file__).parent / "regress_differences.txt"
SECONDS = 3600
SETTINGS = "max_prepared_transactions = 10\nmax_connections = 100"


def expected_differences() -> dict[str, str]:
    """Test to reason, as the file lists them."""
    lines = [line for line in DIFFERENCES.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("\t") for line in lines)


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="sallyport-regress-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def headers() -> Path | None:
    """The server's headers, which two libraries of the suite are compiled with; None where they are installed."""
    said = subprocess.run(["pg_config", "--version"], capture_output=True, text=True, check=False)
    major = "".join(char for char in said.stdout.partition(".")[0] if char.isdigit()) or "15"
    installed = Path(f"/usr/include/postgresql/{major}/server")
    if (installed / "postgres.h").is_file():
        return None
    package = f"postgresql-server-dev-{major}"
    made = built(
        builds.SOURCES / "headers", ["apt-get", "-qq", "download", package], ["sh", "-c", f"dpkg -x {package}_*.deb ."]
    )
    return made / installed.relative_to("/")


def outcomes(run: Path, label: str) -> dict[str, str]:
    lines = (run / "regress" / f"{label}.txt").read_text().splitlines()
    return dict(line.split() for line in lines)


def results(run: Path, label: str, test: str) -> bytes:
    return (run / "regress" / f"out-{label}" / "results" / f"{test}.out").read_bytes()


@pytest.mark.long
def test_the_servers_own_suite_ends_through_the_gateway_as_it_does_directly(tools: Path, folder: Path) -> None:
    if shutil.which("apt-get") is None:
        missing("apt-get, which brings the suite's sources")
    scripts, run, port = tools / "postgres", folder / "run", free_port()
    environment = {**os.environ, "PGCONF": SETTINGS}
    place = headers()
    if place is not None:
        environment["CPATH"] = str(place)
    subprocess.run([scripts / "start.sh", run, str(port)], env=environment, check=True, timeout=120)
    try:
        with Up(folder / "gateway", run, port, ("postgres", "regression", "template1")) as gateway:
            command = [scripts / "regress.sh", run, str(gateway.port)]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
            assert said.returncode in (0, 1), said.stdout + said.stderr
    finally:
        subprocess.run([scripts / "stop.sh", run], check=False, timeout=120)
    direct, through = outcomes(run, "direct"), outcomes(run, "via")
    assert len(direct) > 200
    assert direct.keys() == through.keys()
    differ = {name for name, outcome in direct.items() if through[name] != outcome}
    both = {name for name, outcome in direct.items() if outcome == through[name] == "FAILED"}
    differ |= {name for name in both if results(run, "direct", name) != results(run, "via", name)}
    assert differ == expected_differences().keys()


def test_each_expected_difference_is_explained_on_the_page_of_the_protocol() -> None:
    page = (ROOT / "docs" / "protocols" / "postgres.md").read_text()
    for test in expected_differences():
        assert f"`{test}`" in page
