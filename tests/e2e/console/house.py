"""A whole Sallyport with its console and a real PostgreSQL, and a real browser before it."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from gateway.demo.binaries import find_binaries
from gateway.demo.cluster import free_port
from tests.conftest import missing
from tests.cutter import Cutter
from tests.e2e.world import ROOT, World, sallyport, world

CHROMIUM = "/usr/bin/chromium"
WAIT = 45_000
"""Milliseconds that a locator may take on a busy machine."""

POLICY = """\
package policies.console

allow contains {"code": "READ", "reason": "reading is free"} if {
	input.command.protocol == "postgres"
	"readers" in input.principal.groups
	every op in input.command.operations { op.effect in {"read", "session"} }
}

mask contains {"code": "MAIL", "reason": "addresses are personal", "columns": ["app.people.mail"], "method": "hash", "params": {"key": "k1"}} if {
	not "pii" in input.principal.groups
}

hold contains {
	"code": "PROD_WRITE", "reason": "a DBA looks at every change in production",
	"approvers": {"groups": ["dba"], "quorum": 1}, "expires": "10m",
} if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
	not contains(input.command.text, "soon")
}

hold contains {
	"code": "QUICK", "reason": "decide quickly", "approvers": {"groups": ["dba"], "quorum": 1}, "expires": "2s",
} if {
	contains(input.command.text, "soon")
}

deny contains {"code": "NO_DROP", "reason": "tables are dropped by migrations", "hint": "ask a DBA"} if {
	some op in input.command.operations
	startswith(op.kind, "drop")
}
"""


@dataclass(slots=True)
class House:
    """A running gateway with a console. `secrets` are what people sign in with, by name."""

    world: World
    console_port: int
    secrets: dict[str, str] = field(repr=False)
    is_secure: bool = True
    token_port: int = 0
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    cutter: Cutter | None = None
    """What stands before its store, where something does."""
    kept: list[http.client.HTTPSConnection] = field(default_factory=list, repr=False)
    """A connection that tests without a browser use again."""

    def abandon(self) -> None:
        """End every psql that still waits."""
        while self.started:
            process = self.started.pop()
            with contextlib.suppress(ValueError):  # WHY: its pipes were read to their end and closed
                process.terminate()
                process.communicate(timeout=30)

    @property
    def url(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://localhost:{self.console_port}"

    def psql(self, sql: str, user: str = "ana", **more: str) -> subprocess.Popen[str]:
        """psql that runs one statement, and waits as long as it takes."""
        binaries = find_binaries(os.environ)
        conninfo = self.world.conninfo(**{"user": user, "password": self.secrets[user], **more})
        process = subprocess.Popen(
            [str(binaries.psql), "-X", "-A", "-t", "-c", sql, conninfo],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def job(self, name: str, prompt: str) -> dict[str, str]:
        """How psql connects as a job of ana's that a prompt set off: with a token for it."""
        file = self.world.folder / "prompt.txt"
        file.write_text(prompt)
        said = subprocess.run(
            [
                *(*sallyport(), "token", "--as", "ana", "--resource", "world", "--for", f"job={name}"),
                *("--prompt", str(file), "--config", str(self.world.config)),
            ],
            cwd=ROOT,
            env=self.world.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert said.returncode == 0, said.stderr
        return {"port": str(self.token_port), "password": said.stdout.split()[0]}

    def run(self, sql: str, user: str = "ana", **more: str) -> tuple[int, str, str]:
        """psql to its end."""
        process = self.psql(sql, user, **more)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out, errors


PEOPLE = {
    "ana": ("agent", ["readers", "developers"], []),
    "dora": ("user", ["dba", "readers"], ["approver", "auditor"]),
    "emil": ("user", ["dba"], ["approver"]),
    "vera": ("user", [], ["auditor"]),
}


def _configuration(house: House) -> str:
    text = house.world.config.read_text()
    text = text[: text.index("[[identity.principal]]")]
    for name, (kind, groups, roles) in PEOPLE.items():
        quoted = [f"[{', '.join(repr(one).replace(chr(39), chr(34)) for one in many)}]" for many in (groups, roles)]
        text += (
            f'[[identity.principal]]\nname = "{name}"\nkind = "{kind}"\ngroups = {quoted[0]}\nroles = {quoted[1]}\n'
            f'password = "file:{name}.secret"\n\n'
        )
    text += f'[[listener]]\nprotocol = "postgres"\nbind = "127.0.0.1:{house.token_port}"\nauth = "token"\n'
    text += 'tls = { certificate = "server.crt", key = "server.key" }\n'
    text += f'[[masking.key]]\nid = "k1"\nsecret = "file:mask.secret"\n\n[console]\nbind = "127.0.0.1:{house.console_port}"\n'
    text += f'url = "{house.url}"\n'
    if house.is_secure:
        text += 'tls = { certificate = "server.crt", key = "server.key" }\n'
    return text


@contextmanager
def running_house(
    policies: str = POLICY,
    *,
    is_secure: bool = True,
    more: str = "",
    environment: Mapping[str, str] | None = None,
    sql: str = "",
    candidate: str = "",
    before: Callable[[House], None] = lambda house: None,
) -> Iterator[House]:
    """A started gateway with a console; everything is gone afterwards. `more` stands at the end of its configuration; `candidate` are
    policies that are only watched.

    `sql` is run on the database before it starts; `before` does what else is to be done then.
    """
    with world(policies) as place:
        place.more.update(environment or {})
        house = House(place, free_port(), {name: secrets.token_urlsafe(18) for name in PEOPLE}, is_secure, free_port())
        place.password = house.secrets["ana"]
        for name, secret in {**house.secrets, "mask": secrets.token_hex(16)}.items():
            path = place.folder / f"{name}.secret"
            path.touch(0o600)
            path.write_text(secret)
        settings = _configuration(house) + more
        if candidate:
            (place.folder / "next").mkdir()
            (place.folder / "next" / "world.rego").write_text(candidate)
            settings = settings.replace('path = "policies"\n', 'path = "policies"\ncandidate = "next"\n')
        place.config.write_text(settings)
        _fill(house, sql)
        before(house)
        place.start()
        try:
            yield house
        finally:
            for connection in house.kept:
                connection.close()


def _fill(house: House, more: str = "") -> None:
    """A small database behind it."""
    sql = (
        """
    CREATE SCHEMA app;
    CREATE TABLE app.people (id int PRIMARY KEY, name text, mail text);
    INSERT INTO app.people SELECT n, 'person ' || n, 'person' || n || '@example.test' FROM generate_series(1, 40) n;
    CREATE TABLE app.orders (id int PRIMARY KEY, status text NOT NULL, amount numeric(10,2));
    INSERT INTO app.orders SELECT n, CASE WHEN n % 3 = 0 THEN 'paid' ELSE 'open' END, n * 7.5 FROM generate_series(1, 400) n;
    """
        + more
    )
    cluster = house.world.cluster
    done = subprocess.run(
        [str(find_binaries(os.environ).psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql],
        env={
            **os.environ,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(cluster.port),
            "PGUSER": cluster.user,
            "PGPASSWORD": cluster.password,
            "PGDATABASE": "postgres",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if shutil.which("chromium") is None:
        missing("chromium")
    # WHY so long: the machine does other things too, and five seconds have been too few for a page that was right.
    expect.set_options(timeout=30_000)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        with contextlib.closing(browser):
            yield browser


def new_context(browser: Browser, **more: object) -> BrowserContext:
    """A fresh browser profile."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 860}, **more)  # type: ignore[arg-type]  # options of tests
    context.set_default_timeout(WAIT)
    return context


def sign_in(context: BrowserContext, house: House, name: str, place: str = "") -> Page:
    """A page of somebody who signed in through the form, as people do."""
    page = context.new_page()
    page.goto(f"{house.url}{place or '/'}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password or token").fill(house.secrets[name])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def go(page: Page, place: str) -> None:
    """Go to a URL, though the page may be on its way elsewhere by itself: where a sign-in ends, its stream of news does too."""
    deadline = time.monotonic() + WAIT / 1000
    while True:
        try:
            page.goto(place)
            return
        except PlaywrightError as error:
            if "interrupted by another navigation" not in str(error) and "ERR_ABORTED" not in str(error):
                raise
            assert time.monotonic() < deadline, "it is still on its way elsewhere"


def first_line(process: subprocess.Popen[str], seconds: float = 60) -> str:
    """What a waiting psql says first on standard error (the notice of its hold)."""
    assert process.stderr is not None
    began = time.monotonic()
    line = process.stderr.readline()
    assert time.monotonic() - began < seconds
    return line
