"""The corpus of HTTP/1 on the wire, its header lines said as fields of HTTP/2: none of them frames, hides or adds anything."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.web.http2.heads import read_opening
from engine.command.documents.refusal import Refused
from engine.command.http.wire import body_length, read_head
from tests.conformance.corpus import items

PSEUDO = ((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"shop"), (b":path", b"/a"))


def fields_of(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The header lines, split as a careless reader does it."""
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    split = [re.split(rb":[ ]?", line, maxsplit=1) for line in lines]
    return [(parts[0], parts[1] if len(parts) > 1 else b"") for parts in split]


def made(fields: list[tuple[bytes, bytes]]) -> bytes | None:
    """The head of HTTP/1.1 that is made of fields and read; None where it is refused."""
    try:
        opening = read_opening([*PSEUDO, *fields], scheme=b"https", is_ended=False)
        text = opening.head(has_body=True)
        head = read_head(text.removesuffix(b"\r\n\r\n"))
        length = body_length(head)
    except Refused:
        return None
    assert length == opening.length
    assert len(head.headers) <= len(fields) + 2
    assert len(head.values("transfer-encoding")) == (1 if length is None else 0), "ours, where it is a matter of ours"
    assert head.values("host") == ["shop"]
    return text


def test_no_header_line_of_the_corpus_frames_a_request(corpora: Path) -> None:
    count = refused = 0
    for item in items(corpora, "http-wire"):
        raw = str(item["raw"]).encode("latin-1", "replace")
        fields = [(name, value) for name, value in fields_of(raw) if name.lower() != b"host"]
        for spelt in (fields, [(name.lower(), value.strip()) for name, value in fields]):
            count += 1
            text = made(spelt)
            refused += text is None
            if item["label"] == "ambiguous:te-mutation" and text is not None:
                names = {line.split(b":")[0].lower() for line in text.split(b"\r\n")[1:]}
                assert not any(re.sub(rb"[^a-z]", b"", name) == b"transferencoding" for name, _ in spelt), text
                assert b"content-length" in names or b"transfer-encoding" in names
    assert count > 2000
    assert refused > count / 2
