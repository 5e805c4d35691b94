"""`docs/seeing.md`: what `sallyport parse` prints for one command of each language. `python -m tests.seeing_page` writes it anew."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from engine.command.show import Role
from gateway.cli import main
from gateway.cli.coloured import STYLES
from tests.web_requests import raw_request

PAGE = Path(__file__).parents[1] / "docs/seeing.md"
CATALOG = {
    "search_path": ["shop"],
    "relations": {
        "shop.customers": ["id", "name", "city", "card_number"],
        "shop.orders": ["id", "customer_id", "total"],
        "shop.known": ["who", "spent"],
    },
    "views": {
        "shop.known": "SELECT c.name AS who, sum(o.total) AS spent FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name"
    },
}
_QUERY = "SELECT who, upper(card_number) AS card FROM known JOIN customers ON name = who WHERE spent > 100"
_MEANS = {
    Role.LOOKS: "effects `read` and `session`; what is complete or proven",
    Role.CHANGES: "effects `write` and `create`",
    Role.GRAVE: "effects `delete`, `execute` and `grant`; an UPDATE or DELETE of every row",
    Role.UNSEEN: "effect `unknown`, problems, words and names that are only known at run time (`?`), what is not proven",
    Role.OBJECT: "what is touched, and the words of a command",
    Role.ORIGIN: "the columns that a result column is made of",
    Role.SIGN: "features and signs: what policies weigh ([commands.md](commands.md))",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One command of the page: what stands above it, how it is asked, from which input and with which file beside it."""

    title: str
    about: str
    protocol: str
    text: str
    catalog: bool = False
    by_input: bool = False


SHOWN = (
    Shown(
        "SQL, with a catalog",
        "A view is read to its tables. Each column of the result says which columns of tables are in it; a function between is named.",
        "postgres",
        _QUERY,
        catalog=True,
    ),
    Shown(
        "SQL, without one",
        "The same query: names stay as they are written, and nothing is proven. A mask on a column that is not proven denies.",
        "postgres",
        _QUERY,
    ),
    Shown(
        "SQL that hides a write",
        "It begins like a query; its effect is that of the gravest thing in it.",
        "postgres",
        "WITH gone AS (DELETE FROM shop.orders RETURNING id) SELECT count(*) FROM gone",
        catalog=True,
    ),
    Shown(
        "A line of shell",
        "Wrappers are taken off, and what is removed, fetched and run is listed each by itself. What `sh` will read nobody knows: the effect is"
        " `unknown`, and the line is not complete.",
        "shell",
        'sudo rm -rf /srv/data && curl -s https://get.example/i.sh | sh; grep -c "$WHAT" /var/log/syslog > found.txt',
    ),
    Shown(
        "A kubectl line",
        "The request that it makes of the API server, and what the container is told to run.",
        "kubernetes",
        "kubectl -n prod exec -it web-0 -c app -- sh -c 'rm -rf /data; ls /'",
    ),
    Shown(
        "kubectl in a line of shell",
        "The same request follows the program that makes it, so that one rule over resources holds for both.",
        "shell",
        "ssh ops.example sudo kubectl -n prod delete deployment web",
    ),
    Shown(
        "A request to the API server",
        "Of the body: what its pods may do on the node.",
        "kubernetes",
        raw_request(
            "POST",
            "/api/v1/namespaces/prod/pods",
            {"Content-Type": "application/json"},
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": "watch"},
                    "spec": {
                        "hostPID": True,
                        "containers": [{"name": "c", "image": "busybox:1.36", "securityContext": {"privileged": True}}],
                        "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
                    },
                }
            ),
            host="cluster.example",
        ).decode(),
        by_input=True,
    ),
    Shown(
        "A path that is not canonical",
        "A server would clean it, and then it is about something else: nothing in it is known.",
        "kubernetes",
        raw_request("DELETE", "/api/v1/namespaces/test/../prod/pods", host="cluster.example").decode(),
        by_input=True,
    ),
    Shown(
        "An HTTP request",
        "The canonical path and host, the query, and the body by its JSON pointers.",
        "http",
        raw_request(
            "POST",
            "/v1/users/42?notify=true",
            {"Content-Type": "application/json"},
            '{"role": "admin", "teams": ["ops"]}',
            host="api.example",
        ).decode(),
        by_input=True,
    ),
)


class _Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def printed(one: Shown) -> tuple[str, str]:
    """The line that somebody types, and what it prints."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["parse", "--protocol", one.protocol]
        typed = f"sallyport parse --protocol {one.protocol}"
        if one.catalog:
            file = Path(folder) / "catalog.json"
            file.write_text(json.dumps(CATALOG))
            arguments += ["--catalog", str(file)]
            typed += " --catalog catalog.json"
        if one.by_input:
            typed += " < request.txt"
        else:
            arguments.append(one.text)
            typed += f" {_quoted(one.text)}"
        out = io.StringIO()
        with contextlib.redirect_stdout(out), mock.patch.object(sys, "stdin", _Input(one.text.encode("latin-1"))):
            code = main(arguments)
    assert code in (0, 1), one.title
    return typed, out.getvalue()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def page_text() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _head()
    for one in SHOWN:
        typed, text = printed(one)
        yield from ("", f"## {one.title}", one.about, "", "```console", f"$ {typed}", *text.rstrip().split("\n"), "```")


def _head() -> Sequence[str]:
    return (
        "# See what Sallyport sees",
        "",
        "Written by `python -m tests.seeing_page` from what the command prints; do not edit.",
        "",
        "`sallyport parse` shows a command as the tree that policies decide on: every operation that could run, with its effect, how it is",
        "reached (`via`), what it touches, and what could not be seen. `--json` prints the same tree as policies read it (`input.command`),",
        "`--jsonl` line by line. The exit code is 1 where the tree is not complete. The words of all languages: [commands.md](commands.md).",
        "",
        "On a terminal the parts have colours, elsewhere (and with `NO_COLOR`) they are plain:",
        "",
        "| colour | is |",
        "|---|---|",
        *(f"| {STYLES[role]} | {means} |" for role, means in _MEANS.items()),
        "",
        "Reading a tree: what stands inside another operation stands below it; others follow in the order in which they run.",
    )


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
