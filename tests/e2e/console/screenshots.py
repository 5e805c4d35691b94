"""The pictures in docs/console.md, made of a real gateway with something to see: `python -m tests.e2e.console.screenshots [FOLDER]`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, expect

from gateway.demo.binaries import find_binaries
from tests.conftest import ROOT
from tests.e2e.console.house import POLICY, House, first_line, new_context, running_browser, running_house, sign_in
from tests.e2e.console.raw import Raw
from tests.e2e.console.stage import deployment

SIZE = {"width": 1200, "height": 780}
PAGES = ("holds", "decisions", "sessions", "policies", "audit", "health")
MORE = ("decision", "recording", "session", "search")
PLAYED = ("recording", "session")
SHOWN = {
    ("holds", "light"),
    ("holds", "dark"),
    ("decision", "light"),
    ("decision", "dark"),
    ("decisions", "dark"),
    ("audit", "light"),
    ("search", "light"),
    ("search", "dark"),
    ("recording", "light"),
    ("recording", "dark"),
    ("session", "dark"),
    ("policies", "light"),
    ("policies", "dark"),
    ("sessions", "light"),
    ("health", "dark"),
}
"""Those in the documentation; with a folder of one's own: all."""
SOUGHT = {"text": "orders", "principal": "ana", "effect": "write", "verdict": "allow"}
STRICTER = POLICY.replace('op.effect in {"read", "session"}', 'op.effect in {"session"}')
"""A candidate that would no longer let people read."""
TESTS = """
suite: who reads
cases:
  - name: readers read
    principal: {name: ana, groups: [readers]}
    resource: {name: orders, protocol: postgres}
    command: {protocol: postgres, text: SELECT 1}
    expect: {verdict: allow}
  - name: nobody drops a table
    principal: {name: ana, groups: [readers]}
    resource: {name: orders, protocol: postgres}
    command: {protocol: postgres, text: DROP TABLE app.orders}
    expect: {verdict: deny}
"""
WAITING = (
    "UPDATE app.orders\n   SET status = 'paid', amount = amount * 0.9\n WHERE id = 118\nRETURNING id, status, amount",
    "DELETE FROM app.people WHERE name = 'p\u0430ypal\u202e admin\u202c'",
)
PROMPT = "Order 118 was paid by bank transfer with 10 % off, as agreed. Please settle it and tell me the new amount."
SESSION = """SELECT id, amount FROM app.orders WHERE status = 'open' ORDER BY amount DESC LIMIT 5;
UPDATE app.orders SET amount = amount * 0.9 WHERE id = 120 RETURNING id, amount;
SELECT name, mail FROM app.people LIMIT 2;
DROP TABLE app.orders;
SELECT sum(amount) FROM app.orders;"""
RUN = (
    "SELECT status, count(*) FROM app.orders GROUP BY status",
    "SELECT name, mail FROM app.people ORDER BY id LIMIT 3",
    "DROP TABLE app.orders",
    "SELECT o.id, p.name FROM app.orders o JOIN app.people p ON p.id = o.id WHERE o.amount > 200",
    "SELECT max(amount) FROM app.orders WHERE status = 'open'",
)


def act(house: House) -> str:
    """Something for each page; the address of the decision that is shown."""
    for statement in RUN:
        house.run(statement)
    client = Raw(house)
    client.sign_in("emil")
    for number, step in ((31, "approve"), (32, "refuse"), (33, "approve")):
        process = house.psql(f"UPDATE app.orders SET status = 'paid' WHERE id = {number}")
        ticket = first_line(process).split("ticket ")[1].split(":")[0]
        reason = {"approve": "agreed with sales", "refuse": "please batch this"}[step]
        client.post(f"/holds/{ticket}/{step}", {"csrf": client.get("/holds").csrf, "reason": reason})
        process.communicate(timeout=30)
    Raw(house).sign_in("dora", "not her secret")
    first_line(house.psql(WAITING[0], **house.job("settle-march-42", PROMPT)))
    first_line(house.psql(WAITING[1]))
    auditor = Raw(house)
    auditor.sign_in("dora")
    auditor.post("/audit/verify", {"csrf": auditor.get("/audit").csrf})
    rows = auditor.get("/decisions?rule=NO_DROP").body
    return rows.split('<td><a href="')[1].split('"')[0]


def session_of_a_job(house: House) -> str:
    """Where a session of psql is played that read, changed something with somebody's yes, and was refused."""
    facts = {"user": "ana", "password": house.secrets["ana"], **house.job("reprice-7", PROMPT)}
    words = [str(find_binaries(os.environ).psql), "-X", "-A", "-t", house.world.conninfo(**facts)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    house.started.append(process)
    assert process.stdin is not None
    process.stdin.write(f"{SESSION}\n")
    process.stdin.close()
    process.stdin = None
    client = Raw(house)
    client.sign_in("emil")
    ticket = first_line(process).split("ticket ")[1].split(":")[0]
    client.post(f"/holds/{ticket}/approve", {"csrf": client.get("/holds").csrf, "reason": "agreed with sales"})
    process.communicate(timeout=30)
    entry = next(one for one in house.world.entries() if one.get("job") == "reprice-7")
    return f"/sessions/{entry['session']}"


def measure(page: Page) -> None:
    """Coverage and impact, as an auditor asks for them."""
    for button, count in (("Measure", 1), ("Decide again", 2)):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("for dora")).to_have_count(count, timeout=60_000)


def halfway(page: Page) -> None:
    """The player while it plays, at a word in the middle."""
    bar = page.get_by_label("Place in the recording")
    bar.fill(str(int(0.62 * int(bar.get_attribute("max") or "0"))))


def take(
    house: House,
    browser: Browser,
    folder: Path,
    scheme: str,
    more: Mapping[str, str],
    shown: Collection[tuple[str, str]],
) -> list[Path]:
    """A picture of each page that is wanted."""
    context = new_context(browser, color_scheme=scheme, reduced_motion="reduce")
    page = sign_in(context, house, "dora")
    page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a size
    made = []
    places = {name: f"/{name}" for name in PAGES}
    for name, place in {**places, **more}.items():
        if (name, scheme) not in shown:
            continue
        page.goto(f"{house.url}{place}")
        page.locator("h1").wait_for()
        if name in PLAYED:
            page.locator("#player[data-state=whole]").wait_for()
            if name == "recording":
                halfway(page)
            else:
                page.keyboard.press("End")
        path = folder / f"console-{name}-{scheme}.png"
        if name in more or name == "policies":
            # WHY not only a picture of the full page: what is as high as the window would end in the middle of it.
            height = int(page.evaluate("() => document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": SIZE["width"], "height": max(SIZE["height"], height)})
        page.screenshot(path=path)
        page.set_viewport_size(SIZE)  # type: ignore[arg-type]  # a size
        made.append(path)
    context.close()
    return made


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else ROOT / "docs" / "images"
    everything = {(name, scheme) for name in (*PAGES, *MORE) for scheme in ("light", "dark")}
    shown = everything if arguments else SHOWN
    folder.mkdir(parents=True, exist_ok=True)
    with running_house(candidate=STRICTER) as house, running_browser() as browser:
        (house.world.folder / "policies" / "people_suite.yaml").write_text(TESTS)
        more = {
            "decision": act(house),
            "recording": f"/recordings/{deployment(house)}",
            "session": session_of_a_job(house),
            "search": f"/audit?{urlencode(SOUGHT)}",
        }
        with closing(new_context(browser)) as context:
            measure(sign_in(context, house, "dora", "/policies"))
        for scheme in ("light", "dark"):
            for path in take(house, browser, folder, scheme, more, shown):
                print(path, path.stat().st_size)
        house.abandon()


if __name__ == "__main__":
    main(sys.argv[1:])
