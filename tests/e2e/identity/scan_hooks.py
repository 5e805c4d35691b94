"""What schemathesis loads for a scan (`scanned`): who each call comes from, what no answer may say, and a line about each call.

The people take turns within each operation, so that each of them asks each. INVARIANT of the scan: what a hook changes is who
asks and what a browser adds by itself, never the data that was made up.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

_TOLD = json.loads(Path(os.environ["SCAN"]).read_text())
_TURNS: dict[str, Iterator[str]] = defaultdict(lambda: itertools.cycle(_TOLD["people"]))
_WHO: dict[str, str] = {}
_LOG = Path(_TOLD["log"]).open("a", buffering=1)  # noqa: SIM115  # as long as the process
FORBIDDEN = ("Traceback (most recent call last)", 'File "', "sqlalchemy", "site-packages")


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, object]) -> None:
    """Let the next of the people ask."""
    label = case.operation.label
    who = next(_TURNS[label])
    _WHO[case.id] = who
    kwargs["allow_redirects"] = False
    if _TOLD["kind"] == "faces":
        _as_a_program(case, _TOLD["people"][who])
    elif _TOLD["kind"] == "console":
        _as_a_browser(case, _TOLD["people"][who])


def _as_a_program(case: Case, known: dict[str, str]) -> None:
    if known:
        case.headers["Authorization"] = f"Bearer {known['token']}"
    else:
        case.headers.pop("Authorization", None)


def _as_a_browser(case: Case, known: dict[str, str]) -> None:
    label = case.operation.label
    case.headers["Origin"] = _TOLD["origin"]
    case.headers["Sec-Fetch-Site"] = "same-origin"
    is_endless = label == "GET /events" and (case.query or {}).get("topic") in ("holds", "log")
    if isinstance(case.body, dict) and "csrf" in case.body and label != "POST /sign-out":
        # What belongs to the session is a browser's to send, not a form's to make up. Who signs out asks nothing afterwards.
        case.body["csrf"] = "t" * 43 if label == "POST /sign-in" else known.get("csrf", case.body["csrf"])
    if label == "POST /sign-in":
        case.headers["Cookie"] = f"sallyport-form={'t' * 43}"
    elif known and not is_endless:
        case.headers["Cookie"] = known["cookie"]
    if isinstance(case.path_parameters, dict) and case.path_parameters.get("ticket") == "h-0123456789abcdef":
        case.path_parameters["ticket"] = _TOLD["ticket"]


@schemathesis.check
def tells_nothing_of_the_program(context: CheckContext, response: Response, case: Case) -> None:
    """No stack, no path of a file, no library."""
    text = response.content.decode("utf-8", "replace")
    found = [word for word in FORBIDDEN if word in text]
    assert not found, f"the answer has {found} in it"


@schemathesis.check
def is_noted(context: CheckContext, response: Response, case: Case) -> None:
    """A line about the call, for the test."""
    generation = case.meta.generation.mode if case.meta is not None else None
    is_wrong = generation is not None and generation.is_negative
    who = _WHO.get(case.id, "")
    location = "".join(response.headers.get("location", []))
    asked = f"{response.request.method} {response.request.url} {str(response.request.body)[:300]}"
    line = [f"{case.method} {case.operation.path}", who, is_wrong, response.status_code, location, asked]
    _LOG.write(json.dumps(line) + "\n")
