"""The path and query of a request, canonically: one decoding, one spelling; refused where a decoding would change structure.

The canonical path is what is judged and what may be forwarded. `canonical_path` of a canonical path is that path.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from engine.command.documents.refusal import Refused

MAX_SEGMENTS = 256
MAX_PARAMETERS = 512

_PLAIN = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,=:@]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BARE = re.compile(r"[\"<>^`{|}\[\]]")
"""Characters that clients forget to escape, and that mean nothing but themselves."""
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._]")
_TWICE = re.compile(r"%(?:[0-9A-Fa-f]{2}|[uU][0-9A-Fa-f]{2})")
_SAFE_IN_QUERY = "-._~!$'()*,:@/?[]"
_STRUCTURE = frozenset("/\\;?#\x7f")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def canonical_path(path: str) -> str:
    """The one spelling of a path. Raises Refused for a path that two servers could take for different ones."""
    if not path.startswith("/"):
        raise Refused("noncanonical_path", "the path does not begin with a slash")
    segments = path[1:].split("/")
    if len(segments) > MAX_SEGMENTS:
        raise Refused("noncanonical_path", "the path has too many segments")
    last = len(segments) - 1
    made = [_segment(one, may_be_empty=number == last) for number, one in enumerate(segments)]
    return "/" + "/".join(made)


def decoded_segments(path: str) -> list[str]:
    """The segments of a canonical path as a server takes them, the empty one after a closing slash left out."""
    return [_decoded(one) for one in path[1:].split("/") if one]


def _segment(text: str, *, may_be_empty: bool) -> str:
    if not text:
        if may_be_empty:
            return ""
        raise Refused("noncanonical_path", "the path has an empty segment")
    text = _BARE.sub(lambda found: f"%{ord(found[0]):02X}", text)
    if not _PLAIN.fullmatch(_ESCAPE.sub("", text)):
        raise Refused("noncanonical_path", f"the segment `{text[:60]}` has a character that must be escaped, or `;`")
    decoded = _decoded(text)
    if not decoded.strip(".") or decoded[-1] == "." or decoded != decoded.strip():
        raise Refused("noncanonical_path", f"the segment `{text[:60]}` is dots, or ends in a dot or space")
    if "%" not in text:
        return text
    for found in _ESCAPE.finditer(text):
        if _UNRESERVED.fullmatch(chr(int(found[1], 16))):
            raise Refused("noncanonical_path", f"`{found[0]}` in the path is an escape that nobody needs")
    return _ESCAPE.sub(lambda found: "~" if found[1].lower() == "7e" else found[0].upper(), text)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        decoded = unescaped(text).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("noncanonical_path", "the path is not UTF-8 when decoded (overlong or cut)") from None
    # The compatibility form too: a full-width dot or slash is one to some servers.
    for form in (decoded, unicodedata.normalize("NFKC", decoded)):
        if any(char in _STRUCTURE or unicodedata.category(char) in _HIDDEN for char in form) or _TWICE.search(form):
            raise Refused(
                "noncanonical_path", "an escape in the path hides a separator, a control character or another escape"
            )
    folded = unicodedata.normalize("NFKC", decoded)
    if folded.count(".") > decoded.count(".") or folded.count("%") > decoded.count("%"):
        raise Refused("noncanonical_path", "the path has a character that some servers take for a dot")
    return decoded


def unescaped(text: str) -> bytes:
    """The bytes of a text whose escapes are sound."""
    return re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode("latin-1", "replace")
    )


def parse_query(text: str, *, what: str = "query") -> dict[str, tuple[str, ...]]:
    """The parameters of a query or form, every value of each name in order. Raises Refused."""
    found: dict[str, list[str]] = {}
    pieces = text.split("&") if text else []
    if len(pieces) > MAX_PARAMETERS:
        raise Refused(f"noncanonical_{what}", f"the {what} has more than {MAX_PARAMETERS} parameters")
    for piece in pieces:
        if piece:
            name, _, value = piece.partition("=")
            found.setdefault(_parameter(name, what), []).append(_parameter(value, what))
    return {name: tuple(values) for name, values in found.items()}


def _parameter(text: str, what: str) -> str:
    if "%" in text and "%" in _ESCAPE.sub("", text):
        raise Refused(f"noncanonical_{what}", f"the {what} has a percent sign that begins no escape")
    try:
        decoded = unescaped(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"noncanonical_{what}", f"the {what} is not UTF-8 when decoded") from None
    if "\0" in decoded:
        raise Refused(f"noncanonical_{what}", f"the {what} has a NUL character")
    return decoded


def canonical_query(text: str) -> str:
    """The one spelling of a query: every name and value escaped again as it was read, in order. Raises Refused.

    Whoever reads it finds what `parse_query` found: `;`, `+` and the rest stand for nothing but themselves in it.
    """
    parse_query(text)
    return "&".join(_written(piece) for piece in text.split("&") if piece)


def _written(piece: str) -> str:
    name, equals, value = piece.partition("=")
    return f"{_escaped(name)}{equals}{_escaped(value)}"


def _escaped(text: str) -> str:
    return quote(_parameter(text, "query"), safe=_SAFE_IN_QUERY)
