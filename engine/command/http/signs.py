"""Signs in the values and words of a request that policies ask for: URLs to inside, `..`, words of deletion.

Signs add features and never take an operation away: what a request does is told by its method, body and document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from engine.command.documents.refusal import Refused
from engine.command.http.host import place_features
from engine.command.http.url import parse_url

_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.\-]{1,20}:[/\\]{2}|[/\\]{2}[^/\\])", re.ASCII)
_INNER = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}:[/\\]{2,}([^/\\?#\s!]{1,300})", re.ASCII)
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SYSTEM_FILES = ("/etc/", "/proc/", "/sys/", "/var/run/", "/var/log/", "c:/", "file:")
_MAX_VALUE = 4096

DELETION = frozenset(
    {
        *("delete", "deletes", "deleted", "del", "remove", "destroy", "purge", "drop", "truncate", "wipe", "erase"),
        *("revoke", "terminate", "uninstall", "doDelete"),
    }
)
CHANGE = frozenset(
    {
        *("create", "update", "set", "add", "write", "post", "insert", "upsert", "put", "edit", "modify", "enable"),
        *("disable", "start", "stop", "restart", "reboot", "deploy", "approve", "grant", "send", "execute", "run"),
        *("invite", "kick", "archive", "rename", "disconnect", "publish", "reset", "rotate", "shutdown"),
    }
)
READING = frozenset(
    {
        *("get", "list", "describe", "show", "view", "read", "find", "search", "query", "fetch", "count", "check"),
        *("lookup", "head", "batchget", "scan", "estimate", "preview", "validate", "test"),
    }
)
_NAME = re.compile(r"[\w.:/\-]{1,200}")
_NAMES_DELETION = re.compile(
    r"(?!undelete)(?:.*(?:delete|destroy)|(?:remove|purge|truncate|terminate|uninstall|erase|revoke))"
)
"""Words that nobody parted: `deleteuser`, `REMOVEALL`, `softdelete`."""
ACTION_KEYS = frozenset(
    {
        *("action", "op", "operation", "cmd", "command", "do", "task", "method", "mode", "verb", "act", "func"),
        *("function", "httpmethod", "requestmethod"),
    }
)
SECRET_KEYS = frozenset(
    {"access_token", "token", "api_key", "apikey", "api-key", "password", "secret", "client_secret"}
)

REWRITING = frozenset(
    {
        *(
            "x-original-url",
            "x-rewrite-url",
            "x-override-url",
            "x-original-uri",
            "x-rewrite-uri",
            "x-http-destinationurl",
        ),
        *("x-proxy-url", "base-url", "http-url", "request-uri", "x-accel-redirect", "x-sendfile"),
    }
)
FORWARDING = frozenset(
    {
        *("forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "x-true-ip", "cf-connecting-ip", "client-ip"),
        *("x-cluster-client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr", "x-custom-ip-authorization"),
        *("x-proxyuser-ip", "x-host", "x-forward-for", "x-forwarded", "x-wap-profile", "proxy-host", "x-backend-host"),
    }
)
ACTION_HEADERS = ("x-amz-target", "soapaction")
"""Headers that name the operation of a request."""
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override", "x-method")


_SECRET = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{30,}|github_pat_\w{20,}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}"
    r"|sk-[\w-]{20,}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Secrets that are known by their form alone, without looking around them. The masking scanner knows many more."""


def has_secret(values: Iterable[str]) -> bool:
    """Whether a value is or holds a secret of an unmistakable form."""
    return any(_SECRET.search(value[:_MAX_VALUE]) is not None for value in values)


def header_features(names: Iterable[str]) -> set[str]:
    """Features of header names alone."""
    found: set[str] = set()
    for name in names:
        if name in FORWARDING or name in REWRITING or name.startswith("x-forwarded-"):
            found.add("forwarding_header")
        if "_" in name:
            found.add("underscore_header")
    return found


def value_features(values: Iterable[object], *, is_line: bool) -> set[str]:
    """Features of values of a query, form or document. `is_line`: line breaks do not belong there."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, str):
            text = value[:_MAX_VALUE]
            if is_line and any(char < " " or char == "\x7f" for char in text):
                found.add("control_character")
            found |= _url_features(text)
            if _leaves_its_place(text):
                found.add("dotdot_value")
    return found


def _url_features(text: str) -> set[str]:
    found = {"url_to_internal"} if names_inside(text) else set[str]()
    if not _URL.match(text):
        return found
    found.add("url_value")
    try:
        host = parse_url(text.strip() if ":" in text[:24] else f"http:{text.strip()}").host
    except Refused:
        return found | {"url_to_internal"}
    return found | ({"url_to_internal"} if host is None or _is_inside(host) else set())


def names_inside(text: str) -> bool:
    """Whether a text has a URL to inside further in, escaped or not, or the address of a metadata service."""
    for _ in range(3):
        hosts = (found[1].rpartition("@")[2] for found in _INNER.finditer(text))
        if any(_is_inside(host.lower()) for host in hosts):
            return True
        if any("metadata_host" in place_features(found[0]) for found in _ADDRESS.finditer(text)):
            return True
        further = unquote(text, errors="replace")
        if further == text:
            return False
        text = further
    return False


def _is_inside(host: str) -> bool:
    return host == "" or "internal_host" in place_features(_as_web_host(host))


def _as_web_host(host: str) -> str:
    """A host of another scheme, gopher say, in the spelling a web client gives it: addresses have many."""
    try:
        return parse_url(f"http://{host}/").host or host
    except Refused:
        return host


def _leaves_its_place(text: str) -> bool:
    for _ in range(3):
        plain = text.replace("\\", "/")
        if ".." in plain and ".." in re.split(r"[/=;\s]", plain):
            return True
        if plain.lower().startswith(_SYSTEM_FILES):
            return True
        further = unquote(text, errors="replace")
        if further == text:
            return False
        text = further
    return False


def words_of(texts: Iterable[str]) -> set[str]:
    """The words of paths and names: `chat.delete`, `doDelete`, `_delete_by_query`, `delete-batch`."""
    return {word.lower() for text in texts for word in _WORDS.findall(text[:500])}


def names_deletion(words: Iterable[str]) -> bool:
    """Whether one of some words says that something is deleted."""
    return any(word in DELETION or _NAMES_DELETION.match(word) is not None for word in words)


def names_change(names: Iterable[str], actions: Iterable[str]) -> bool:
    """Whether a name says that something is changed, or the value of a parameter that names an action (`?Action=CreateUser`).

    Values with spaces are texts and no names; one that begins with a word of reading (`DescribeRuns`) reads.
    """
    said = [_WORDS.findall(text[:500]) for text in actions if _NAME.fullmatch(text)]
    words = {word.lower() for found in said if found and found[0].lower() not in READING for word in found}
    return bool((words | words_of(names)) & CHANGE)


def _is_action_key(name: str) -> bool:
    return re.sub(r"[_\-\[\]]", "", name.lower()) in ACTION_KEYS


def action_values(query: Mapping[str, tuple[str, ...]], body: Mapping[str, object]) -> list[str]:
    """Values of parameters that name an action (`?action=delete`)."""
    named = [value for name, values in query.items() if _is_action_key(name) for value in values]
    return named + [value for pointer, value in body.items() if _is_action_key(pointer[1:]) and isinstance(value, str)]
