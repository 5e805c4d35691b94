"""How commands speak: JSON for machines on standard output, complaints on standard error, lines in and lines out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import msgspec

VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
"""Control characters as people can see them; a command must not be able to paint over what is said about it."""
VISIBLE |= {code: f"\\u{code:04x}" for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070))}


def say(text: str = "") -> None:
    """A line for the user."""
    sys.stdout.write(f"{plain(text)}\n")


def say_json(value: object) -> None:
    """A value as one line of JSON."""
    sys.stdout.write(json_line(value))


def json_line(value: object) -> str:
    """A value as one line of JSON, its end included."""
    return f"{msgspec.json.encode(value).decode()}\n"


def say_text(text: str) -> None:
    """Lines that end themselves."""
    sys.stdout.write(plain(text))


def complain(message: str, *, help: str = "") -> None:
    """What went wrong, and what to do about it."""
    sys.stderr.write(f"sallyport: {plain(message)}\n")
    if help:
        sys.stderr.write(f"  {plain(help)}\n")


def plain(text: str) -> str:
    """The text with control characters, and those that reorder or hide text, made visible."""
    return text.translate(VISIBLE)


def answer_lines(answers: Callable[[Iterable[bytes]], Iterator[str]]) -> None:
    """Answer standard input line by line: one line out for each line in, at once, until the input ends."""
    out = sys.stdout.buffer
    for line in answers(sys.stdin.buffer):
        out.write(line.encode("utf-8", "surrogatepass"))
        out.write(b"\n")
        # WHY each: a program that asks and waits must get its answer before it asks again.
        out.flush()
