"""What a call is given, and what its arguments mean: paths, command lines, destinations, SQL, names of variables.

Pure: what is found is handed back. Called by `walk`.
"""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from engine.command.documents.refusal import Refused
from engine.command.http.host import place_features
from engine.command.http.url import parse_url
from engine.command.python.findings import MAX_ARGUMENT, MAX_ARGUMENTS
from engine.command.python.kinds import SIGNS
from engine.command.python.table import Role, Row
from engine.command.python.values import ANYTHING, Begins, Const, Ref, Values, the_items, the_text
from engine.command.shell.parse import parse_shell
from engine.command.tree import Access, Target

SECRET_NAME: Final = re.compile(
    r"(?:^|_|-)(?:pass(?:word|wd|phrase)?|pwd|secrets?|token|api_?key|private_?key|access_?key|secret_?key|credentials?|auth)(?:_|-|$)"
    r"|password|apikey|secret_?access|database_url|(?:^|_)dsn$",
    re.IGNORECASE,
)
"""Names of variables and keys that hold secrets."""
UNSEEN_WORD: Final = '"$UNSEEN"'
"""How a word that nobody knows stands in a command line that the shell's parser is given."""

KEYWORD_ONLY: Final = 99
"""The place in a table of an argument that is only given by its keyword."""

_URL_READERS: Final = ("pandas.", "polars.", "numpy.", "matplotlib.", "lxml.")
_REMOTE: Final = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]{1,20}://")
_HOST: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^/?#]+[/?#]")
"""The beginning of a URL with the whole of its host."""
_ACCESS: Final = {
    "read": Access.READ,
    "inspect": Access.READ,
    "write": Access.WRITE,
    "create": Access.CREATE,
    "delete": Access.DELETE,
}
_LIKE: Final = {"read": "cat", "inspect": "ls", "write": "tee", "create": "tee", "delete": "rm"}
"""The program of a shell that does the same: what is noteworthy about a path is known to the shell's tables."""
_CODE_FILES: Final = (
    *(".py", ".pyc", ".pyw", ".pth", ".so", ".pyd", ".sh", ".bash", ".ipynb", ".egg", ".whl", ".pyz", "Makefile"),
    *("/__init__", ".service", ".timer"),
)
_DATA_KEYWORDS: Final = ("data", "json", "files", "params", "content", "body", "headers", "cookies")


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call. `is_open`: `*args` or `**kwargs` may hold more."""

    positional: tuple[Values, ...] = ()
    keywords: dict[str, Values] = field(default_factory=dict)
    is_open: bool = False

    def at(self, role: Role) -> Values | None:
        """The argument of a role; None where it is not given."""
        if 0 <= role.at < len(self.positional):
            return self.positional[role.at]
        if role.keyword in self.keywords:
            return self.keywords[role.keyword]
        if role.at >= KEYWORD_ONLY and not self.is_open:
            return None
        # WHY: a keyword that the table spells otherwise must not make an argument vanish.
        return ANYTHING if self.is_open or self.keywords else None

    def texts(self) -> tuple[str | None, ...]:
        """The leading arguments as far as they are constants."""
        found = [_shown(one) for one in self.positional[:MAX_ARGUMENTS]]
        return tuple(found)

    def is_true(self, keyword: str) -> bool:
        """Whether a keyword is given and may be true."""
        return keyword in self.keywords and self.keywords[keyword] not in (_FALSE, _NOTHING)

    def is_false(self, keyword: str) -> bool:
        """Whether a keyword is given and may be false."""
        return keyword in self.keywords and self.keywords[keyword] != _TRUE


_TRUE: Final[Values] = frozenset({Const(True)})
_FALSE: Final[Values] = frozenset({Const(False)})
_NOTHING: Final[Values] = frozenset({Const(None)})


@dataclass(slots=True)
class Meant:
    """What the arguments of a call come to. `shell`, `sql` and `code` are texts to be read in their own language."""

    targets: list[Target] = field(default_factory=list)
    signs: set[str] = field(default_factory=set)
    file: str | None = None
    """The file that runs where a command line has a first word of its own: that is only what the program is told it is called."""
    shell: list[str] = field(default_factory=list)
    sql: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    unseen: bool = False


def read_call(call: ast.Call, values: Callable[[ast.expr], Values]) -> Given:
    """The arguments of a call."""
    positional: list[Values] = []
    is_open = any(one.arg is None for one in call.keywords)
    for one in call.args:
        if isinstance(one, ast.Starred):
            is_open = True
            break
        positional.append(values(one))
    return Given(tuple(positional), {one.arg: values(one.value) for one in call.keywords if one.arg}, is_open)


def meaning(name: str | None, row: Row, given: Given, owner: str | None) -> Meant:
    """What the arguments of a call of `name` mean by the roles of its row; `owner` is the path its owner stands for."""
    meant = Meant(signs=set(row.signs), unseen="dynamic" in row.signs)
    for role in row.roles:
        if role.at < 0:
            _path(meant, role.what, owner)
            continue
        values = given.at(role)
        if values is None:
            meant.unseen = meant.unseen or role.what in ("program", "shell", "argv", "code", "module")
            continue
        match role.what:
            case "shell":
                _text(meant, meant.shell, values)
            case "program":
                meant.file = the_text(values)
                meant.unseen = meant.unseen or meant.file is None
            case "argv":
                _argv(meant, values, given)
            case "rest":
                _line(meant, [_word(one) for one in given.positional[role.at :]], is_open=given.is_open)
            case "url":
                _url(meant, values)
            case "host":
                _host(meant, values, given, role)
            case "code":
                _text(meant, meant.code, values)
            case "sql":
                _text(meant, meant.sql, values)
            case "env":
                _variable(meant, values)
            case "module":
                _text(meant, meant.modules, values)
            case _:
                text = _path_text(values)
                if _REMOTE.match(text or _begins(values)):
                    _url(meant, values)
                    meant.signs |= {"sends_data"} if role.what in ("write", "create") else set()
                    continue
                _path(meant, role.what, text)
                if text is None and (name or "").startswith(_URL_READERS):
                    meant.signs.add("may_fetch")
    _sending(row, meant, given)
    return meant


def _shown(values: Values) -> str | None:
    text = the_text(values)
    return text if text is not None and len(text) <= MAX_ARGUMENT else None


def _text(meant: Meant, into: list[str], values: Values) -> None:
    """A text of a language, every one that it can be."""
    for one in values:
        text = one.value if isinstance(one, Const) else one.about if isinstance(one, Ref) else None
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if isinstance(text, str):
            into.append(text)
            if isinstance(one, Const) and one.made:
                meant.signs.add("obfuscated")
        else:
            meant.signs.add("dynamic")
            meant.unseen = True


def _argv(meant: Meant, values: Values, given: Given) -> None:
    through_shell = given.is_true("shell")
    if given.keywords.get("shell", _FALSE) not in (_TRUE, _FALSE, _NOTHING):
        meant.unseen = True
    if through_shell:
        meant.signs.add("shell_text")
    if given.is_open or any(name in given.keywords for name in ("executable", "env", "preexec_fn", "process_group")):
        meant.signs.add("environment_given")
        meant.unseen = True
    items = the_items(values)
    if items is None:
        _text(meant, meant.shell, values)
        return
    words = [one.value if isinstance(one, Const) and isinstance(one.value, str) else None for one in items]
    if through_shell:
        # Only the first is the text; the others are its $0, $1 ...
        _text(meant, meant.shell, frozenset({items[0]}) if items and items[0] is not None else ANYTHING)
        return
    _line(meant, words, is_open=False)


def _word(values: Values) -> str | None:
    return the_text(values)


def _line(meant: Meant, words: list[str | None], *, is_open: bool) -> None:
    if not words or is_open or None in words:
        meant.signs.add("dynamic")
        meant.unseen = True
    for first in dict.fromkeys((*words[:1], *filter(None, [meant.file]))):
        if first is not None:
            meant.targets.append(Target("program", first[:500], Access.EXECUTE, resolved=True))
        line = [first, *words[1:]]
        meant.shell.append(" ".join(UNSEEN_WORD if word is None else shlex.quote(word) for word in line))


def _path_text(values: Values) -> str | None:
    (one, *more) = values
    if more:
        return None
    if isinstance(one, Ref):
        return one.about
    value = one.value if isinstance(one, Const) else None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


def _path(meant: Meant, what: str, text: str | None) -> None:
    if text is None:
        meant.signs.add("dynamic")
        return
    meant.targets.append(Target("file", text[:MAX_ARGUMENT], _ACCESS[what], resolved=True))
    if what in ("write", "create") and text.rstrip("/").endswith(_CODE_FILES):
        meant.signs.add("writes_code")
    meant.signs |= _signs_of_path(_LIKE[what], text)


def _signs_of_path(program: str, text: str) -> set[str]:
    """What the shell's tables find noteworthy about a path."""
    plain = posixpath.normpath(text) if text.startswith("/") else text
    plain = "/" + plain.lstrip("/") if plain.startswith("/") else plain
    home, slash, rest = plain.partition("/")
    # WHY: `expanduser` is seldom far, and a tilde that is meant as one must not hide behind quotes.
    word = f"{home}{slash}{shlex.quote(rest) if rest else ''}" if re.fullmatch(r"~\w*", home) else shlex.quote(plain)
    command = parse_shell(f"{program} -- {word}").command
    found = {sign for one in command.operations if one.shell is not None for sign in one.shell.signs}
    return found & SIGNS.keys()


def _begins(values: Values) -> str:
    """What a text certainly begins with."""
    (one, *more) = values
    return one.text if isinstance(one, Begins) and not more else ""


def _url(meant: Meant, values: Values) -> None:
    text = _path_text(values)
    if text is None:
        meant.signs |= {"dynamic", "sends_data"}
        whole = _HOST.match(_begins(values))
        if whole is not None:
            _url(meant, frozenset({Const(whole[0])}))
        return
    if text.lower().startswith("file:"):
        _path(meant, "read", re.sub(r"^file:(?://[^/]*)?", "", text, flags=re.IGNORECASE))
        return
    try:
        url = parse_url(text)
    except Refused:
        meant.signs |= {"dynamic", "sends_data"}
        return
    _place(meant, url.host or "", url.port)


def _host(meant: Meant, values: Values, given: Given, role: Role) -> None:
    items = the_items(values)
    if items is not None:
        plain = [one.value if isinstance(one, Const) else None for one in items]
    else:
        text = _path_text(values)
        following = given.positional[role.at + 1] if role.at + 1 < len(given.positional) else given.keywords.get("port")
        (port, *_) = following or (None,)
        plain = [text, port.value if isinstance(port, Const) else None]
    if not plain or not isinstance(plain[0], str):
        # A socket that is made and not connected yet has an address family here.
        meant.signs.add("dynamic")
        return
    port_number = plain[1] if len(plain) > 1 and isinstance(plain[1], int) else None
    _place(meant, plain[0], port_number)


def _place(meant: Meant, host: str, port: int | None) -> None:
    name = host.lower()[:300]
    if not name:
        meant.signs.add("dynamic")
        return
    meant.targets.append(Target("host", name if port is None else f"{name}:{port}", Access.EXECUTE, resolved=True))
    meant.signs |= place_features(name) & SIGNS.keys()


def _variable(meant: Meant, values: Values) -> None:
    name = the_text(values)
    if name is None:
        meant.signs.add("dynamic")
        return
    meant.targets.append(Target("variable", name[:MAX_ARGUMENT], Access.READ, resolved=True))
    meant.signs |= signs_of_variable(name)


def signs_of_variable(name: str) -> set[str]:
    """What is noteworthy about an environment variable: that it holds a secret, or changes what programs run."""
    found = {"credential_read"} if SECRET_NAME.search(name) else set()
    if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        command = parse_shell(f"{name}=x true").command
        found |= {sign for one in command.operations if one.shell is not None for sign in one.shell.signs} & {
            "execution_variable"
        }
    return found


def _sending(row: Row, meant: Meant, given: Given) -> None:
    """Whether what goes to a server may hold data, and whether anybody checks who the server is."""
    if row.kind not in ("fetch", "send", "connect"):
        return
    if given.is_false("verify") or given.is_false("verify_ssl"):
        meant.signs.add("unverified_server")
    more: Iterable[Values] = [given.keywords[name] for name in _DATA_KEYWORDS if name in given.keywords]
    body = list(given.positional[1:2]) if row.kind == "fetch" else []
    if any(the_text(one) is None and one != _NOTHING for one in [*more, *body]) or given.is_open:
        meant.signs.add("sends_data")
