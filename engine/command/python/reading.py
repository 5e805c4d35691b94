"""Bytes to a syntax tree: what is no Python, cannot be read by people, or is too much is refused here, with a reason.

INVARIANT: nothing in here raises on hostile bytes, and whoever walks a tree from here needs no more than `MAX_DEPTH` steps down.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from threading import Lock

from engine.command.tree import Problem

MAX_TEXT = 64 << 10
"""Bytes of a program. WHY no more: CPython 3.11 needs time that grows with the square for f-strings; this is half a second."""
MAX_DEPTH = 120
"""Nesting of the syntax tree, elif and `a + b + c` included."""
MAX_NODES = 40_000

_COOKIE = re.compile(rb"#.*?coding[:=][ \t]*([-\w.]+)")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_TEXT_LINE_END = re.compile("\r\n|\r|\n")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|(?<=[^\r\n])\x0c"
)
"""Characters that nobody sees: controls, marks of direction, blanks without width. Tab, line ends and a form feed where a line begins are
fine. WHY only there: to a notebook it ends a line, so that `# x\\f!ls` runs `ls`."""

# WHY a lock: `catch_warnings` changes what belongs to the whole process.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True)
class Source:
    """A program as it was read: its tree and where its lines begin."""

    raw: bytes
    text: str
    tree: ast.Module
    starts: tuple[int, ...]

    def place(self, node: ast.AST) -> tuple[int, int]:
        """The bytes [start, end) of a node."""
        return self._offset(node, "lineno", "col_offset"), self._offset(node, "end_lineno", "end_col_offset")

    def _offset(self, node: ast.AST, line: str, column: str) -> int:
        number, offset = getattr(node, line, None), getattr(node, column, None)
        if number is None or offset is None or number > len(self.starts):
            return 0
        return int(min(self.starts[number - 1] + offset, len(self.raw)))

    def line_of(self, at: int) -> int:
        """The number of the line (from 1) in which a byte stands."""
        return bisect_right(self.starts, at)


def split_lines(text: str) -> list[str]:
    """The lines of a text as Python counts them, without their ends."""
    return _TEXT_LINE_END.split(text)


def line_starts(raw: bytes) -> tuple[int, ...]:
    """Where each of these lines begins."""
    return (0, *(found.end() for found in _LINE_END.finditer(raw)))


def decode_source(raw: bytes) -> str | Problem:
    """The text of a program, or why it is none."""
    if len(raw) > MAX_TEXT:
        return Problem("too_long", f"a program of more than {MAX_TEXT} bytes is not read")
    head = [line.strip(b" \t\x0c") for line in _LINE_END.split(raw, maxsplit=2)[:2]]
    for line in head:
        cookie = _COOKIE.match(line.removeprefix(b"\xef\xbb\xbf"))
        # WHY: with another encoding the interpreter reads other characters than people and this parser do.
        if cookie is not None and cookie[1].lower().replace(b"_", b"-") not in (
            b"utf-8",
            b"utf8",
            b"ascii",
            b"us-ascii",
        ):
            return Problem("coding_cookie", "the first lines ask for another encoding than UTF-8", 0)
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem("not_utf8", "the text is not UTF-8", error.start)
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        at = len(text[: hidden.start()].encode())
        return Problem("control_character", "the text holds a character that nobody sees as what it is", at)
    return text


def parse_text(text: str, mode: str = "exec") -> Source | Problem:
    """The syntax tree of a text that was decoded, or why there is none. `mode` is `exec` or `eval`."""
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, filename="<program>", mode=mode)
    except SyntaxError as error:
        return Problem("syntax_error", f"line {error.lineno or 1} is no Python")
    except ValueError:
        return Problem("syntax_error", "the text is no Python")
    except (RecursionError, MemoryError):
        return Problem("too_deep", "the text is nested too deeply to be read")
    too_much = _too_much(tree)
    if too_much is not None:
        return too_much
    module = tree if isinstance(tree, ast.Module) else ast.Module([ast.Expr(tree.body)], [])  # type: ignore[attr-defined]
    raw = text.encode()
    return Source(raw, text, module, line_starts(raw))


def _too_much(tree: ast.AST) -> Problem | None:
    level: list[ast.AST] = [tree]
    depth = nodes = 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > MAX_DEPTH:
            return Problem("too_deep", f"the text is nested more than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            return Problem("too_complex", f"the text has more than {MAX_NODES} parts")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return None
