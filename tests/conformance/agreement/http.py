"""HTTP: URLs against the URL standard, paths and targets under hostile spellings, the wire, operations of APIs, coreruleset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine import Program, Verdict
from engine.command.documents.refusal import Refused
from engine.command.http.openapi import compile_openapi
from engine.command.http.parse import parse_http
from engine.command.http.path import canonical_path
from engine.command.http.url import parse_url
from engine.command.tree import Command
from tests.conformance.agreement.paths import climbs, escaped, given_as_path
from tests.conformance.agreement.tally import Tally
from tests.conformance.corpus import decide, items, program
from tests.web_requests import raw_request

NEWER_UNICODE = "a host name in letters of a newer Unicode than the tables of `idna` know: refused"
PUBLIC = re.compile(
    r"https?://(?:[\w.-]*\.)?(?:googleapis\.com|digitalocean\.com|hawkinsecurity\.com|notsosecure\.com|buer\.haus|sxcurity\.pro"
    r"|imgur\.com|silentrobots\.com)/"
)
ACCEPTED_BUT_REFUSED: Mapping[str, str] = {
    "body_not_expected": "a body of a GET, which servers treat differently",
    "chunk": "a body that is not there to its end",
    "content_length": "a length with zeros before it",
    "request_line": "RTSP, ICE, no version, or an empty line before the request",
    "request_target": "OPTIONS alone is asked of `*`",
    "trailer": "a trailer that names the body's type",
    "trailing_data": "a second request, or another protocol, behind the one that is judged",
    "transfer_encoding": "an encoding beside `chunked`",
    "truncated_body": "a body that is not there to its end",
    "unknown_method": "SUBSCRIBE and its kin",
    "upgrade_refused": "HTTP/2 in the clear",
}
CATEGORIES: Mapping[str, str] = {
    "920": "the protocol",
    "921": "smuggling, splitting",
    "930": "traversal, files",
    "931": "inclusion of addresses",
    "932": "shell in values",
    "942": "SQL in values",
    "944": "Java in values",
}


def refusal(command: Command) -> str | None:
    return command.problems[0].code if command.problems else None


def urls(corpora: Path) -> Tally:
    """What the URL standard makes of a text we make of it too, and what it refuses we refuse."""
    tally = Tally("http-paths-urls", "a URL is what the URL standard's tests say; what they refuse is refused")
    for item in items(corpora, "http-paths-urls"):
        if item["label"] not in ("url", "url-fail"):
            continue
        try:
            base = parse_url(item["base"]) if item.get("base") else None
            href: str | None = parse_url(item["input"], base).href
        except Refused:
            href = None
        if item["label"] == "url-fail":
            tally.demand(href is None, item["input"])
        else:
            tally.compare(href == item["expected"]["href"], NEWER_UNICODE if href is None else None, item["input"])
    return tally


def paths(corpora: Path, developer: Program) -> Tally:
    """A path that climbs, however it is encoded, is refused or denied; another is read as its one spelling."""
    tally = Tally(
        "http-paths-urls", "a path that climbs is stopped; another of the hostile lists is read in its one spelling"
    )
    for label, given in given_as_path(corpora):
        path = (
            f"/a{given}admin"
            if label.endswith("midpaths")
            else f"/admin{given}"
            if label.endswith("endpaths")
            else given
        )
        path = escaped(path if path.startswith("/") else f"/{path}")
        raw = raw_request("GET", path)
        if climbs(path):
            tally.demand(decide(developer, "http", raw, "prod").verdict is Verdict.DENY, path)
            continue
        command = parse_http(raw).command
        is_one = command.http is not None and canonical_path(command.http.path) == command.http.path
        code = refusal(command)
        tally.compare(is_one, f"refused: `{code}`" if code else None, path)
    return tally


def is_public(text: str) -> bool:
    """The lists cite articles and public APIs, and one spelling of example.com."""
    return bool(PUBLIC.match(text)) or "ⓔⓧⓐⓜⓟⓛⓔ" in text


def inside(corpora: Path, developer: Program) -> Tally:
    """Targets inside (SSRF, metadata services), asked for directly and as a value of a query."""
    tally = Tally("http-paths-urls", "targets inside are stopped in every spelling, direct and in a value")
    for item in items(corpora, "http-paths-urls"):
        if item["label"] not in ("ssrf-url", "cloud-metadata-url") or is_public(item["input"]):
            continue
        direct = f"GET {escaped(item['input'])} HTTP/1.1\r\n\r\n".encode()
        value = raw_request("GET", "/fetch?url=" + escaped(item["input"], "A-Za-z0-9"))
        for raw in (direct, value):
            tally.demand(decide(developer, "http", raw, "prod").verdict is Verdict.DENY, item["input"])
    return tally


def wire(corpora: Path) -> Tally:
    """What llhttp refuses is refused; what it accepts is read, or refused for a cause that is listed."""
    tally = Tally("http-wire", "bytes are a request where llhttp says so; what it refuses is refused")
    for item in items(corpora, "http-wire"):
        if item["label"] not in ("accept:request", "reject:request"):
            continue
        code = refusal(parse_http(item["raw"]).command)
        if item["label"] == "reject:request":
            tally.demand(code is not None, item["raw"])
        else:
            tally.compare(code is None, ACCEPTED_BUT_REFUSED.get(code or ""), item["raw"])
    return tally


def ambiguous(corpora: Path) -> Tally:
    """Requests that two readers can frame differently."""
    tally = Tally("http-wire", "a request that can be framed in two ways is refused")
    for item in items(corpora, "http-wire"):
        if item["label"].startswith("ambiguous:"):
            tally.demand(refusal(parse_http(item["raw"]).command) is not None, item["raw"])
    return tally


def operations(corpora: Path) -> tuple[Tally, Tally]:
    """Of each operation of real APIs the effect, and its id in the API's own document."""
    effects = Tally("http-openapi-ops", "the effect of an operation is the labelled one")
    names = Tally("http-openapi-ops", "the operation is found in its OpenAPI document")
    documents: dict[str, dict[str, Any]] = defaultdict(lambda: {"paths": defaultdict(dict)})
    cases = list(items(corpora, "http-openapi-ops"))
    for item in cases:
        # Box tells variants of one operation apart by a fragment, which no request carries.
        template = item["path_template"].partition("#")[0]
        documents[item["api"]]["paths"][template].setdefault(item["method"].lower(), {"operationId": item["operation"]})
    tables = {api: compile_openapi(document) for api, document in documents.items()}
    for item in cases:
        method, target = item["request_line"].split(" ", 1)
        command = parse_http(raw_request(method, target), tables[item["api"]]).command
        named = documents[item["api"]]["paths"][item["path_template"].partition("#")[0]][method.lower()]["operationId"]
        cause = "an example with a blank in its path, which is no request" if " " in target else None
        effects.compare(command.operations[0].effect.value == item["label"], cause, item["request_line"])
        is_found = command.http is not None and command.http.operation_id == named
        names.compare(is_found, cause, item["request_line"])
    return effects, names


def operation_verdicts(corpora: Path, developer: Program) -> Tally:
    """Under `policies/examples/developer` nothing that writes is granted at once, and operations are not denied."""
    tally = Tally(
        "http-openapi-ops",
        "under `policies/examples/developer` no operation is denied; what writes is not granted at once",
    )
    for item in items(corpora, "http-openapi-ops"):
        method, target = item["request_line"].split(" ", 1)
        decision = decide(developer, "http", raw_request(method, target), "prod")
        if item["label"] in ("write", "delete"):
            tally.demand(not decision.is_granted, item["request_line"])
        cause = (
            "an example with a blank in its path, which is no request"
            if " " in target
            else ", ".join(sorted({reason.code for reason in decision.reasons if reason.kind == "deny"})) or None
        )
        tally.compare(decision.verdict is not Verdict.DENY, cause, item["request_line"])
    return tally


def crs_request(item: Mapping[str, Any]) -> bytes:
    """A case of coreruleset as its runner sends it: length and type of a form filled in."""
    if item.get("raw_request"):
        return str(item["raw_request"]).encode("latin-1", "replace")
    headers = {str(name): str(value) for name, value in (item.get("headers") or {}).items()}
    body = str(item.get("data") or "").encode()
    known = {name.lower() for name in headers}
    if body and not known & {"content-length", "transfer-encoding"}:
        headers["Content-Length"] = str(len(body))
    if body and "content-type" not in known:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    lines = [f"{item.get('method') or 'GET'} {item.get('uri') or '/'} {item.get('version') or 'HTTP/1.1'}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def coreruleset(corpora: Path, developer: Program) -> Mapping[str, tuple[Tally, Tally]]:
    """For each category its attacks (agree: stopped) and its look-alikes (agree: read).

    A gateway is no WAF: injections into values are the application's to judge, and only those in odd spellings are stopped.
    """
    found = {
        number: (
            Tally("http-crs", f"{number} ({what}): attacks are stopped"),
            Tally("http-crs", f"{number} ({what}): look-alikes are read"),
        )
        for number, what in CATEGORIES.items()
    }
    for item in items(corpora, "http-crs"):
        category = item["category"].partition("-")[2][:3]
        if category not in CATEGORIES or item["label"] == "other":
            continue
        raw = crs_request(item)
        attacks, alike = found[category]
        if item["label"] == "attack":
            is_stopped = decide(developer, "http", raw, "staging").verdict is Verdict.DENY
            attacks.compare(is_stopped, "a request like any other: the application's to judge", str(item["rule"]))
        else:
            code = refusal(parse_http(raw).command)
            alike.compare(code is None, f"refused: `{code}`", str(item["rule"]))
    return found


def rows(corpora: Path) -> list[Tally]:
    developer = program("developer")
    return [
        urls(corpora),
        paths(corpora, developer),
        inside(corpora, developer),
        wire(corpora),
        ambiguous(corpora),
        *operations(corpora),
        operation_verdicts(corpora, developer),
    ]
