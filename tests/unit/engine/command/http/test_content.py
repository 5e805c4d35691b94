"""Bodies by their type."""

from __future__ import annotations

import json

import pytest

from engine.command.documents.refusal import Refused
from engine.command.http.content import MAX_FACTS, Content, read_content
from engine.command.http.tree import Scalar

MULTIPART = "multipart/form-data; boundary=b"


def part(disposition: str, value: str = "v", more: str = "") -> bytes:
    return f"--b\r\nContent-Disposition: {disposition}\r\n{more}\r\n{value}\r\n".encode()


@pytest.mark.parametrize(
    ("raw", "media", "kind", "facts"),
    [
        (b'{"a": {"b/c~": [1, {"d": true}]}, "e": null}', "application/json", "json", {"/a/b~1c~0/0": 1, "/a/b~1c~0/1/d": True}),
        (b"7", "application/vnd.api+json; charset=UTF-8", "json", {"": 7}),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson", "json", {"/0/a": 1, "/1/a": 2}),
        (b"a=1&b=2&a=%C3%A9\r\n", "application/x-www-form-urlencoded", "form", {"/a/0": "1", "/a/1": "é", "/b": "2"}),
        (part('form-data; name="a"') + b"--b--\r\n", MULTIPART, "multipart", {"/a": "v"}),
        (part('form-data; name="a"; filename="x.png"', "v", "Content-Type: image/png\r\n") + b"--b--", MULTIPART, "multipart", {"/a": "x.png"}),
        ("q=ünï&ä=1".encode(), "application/x-www-form-urlencoded", "form", {"/q": "ünï", "/ä": "1"}),
        (b'{"TableName": "x"}', "application/x-amz-json-1.0", "json", {"/TableName": "x"}),
        (b'{"a": 1}', "application/x-amz-json-1.1; charset=utf-8", "json", {"/a": 1}),
        (part('form-data; name="a"', "v", "Content-Length: 1\r\n") + b"--b--", MULTIPART, "multipart", {"/a": "v"}),
        (part('form-data; name="a"', "v", "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n") + b"--b--", MULTIPART, "multipart", {"/a": "v"}),
        (part('form-data; name="a"', "v", "Content-Transfer-Encoding: binary\r\n") + b"--b--", MULTIPART, "multipart", {"/a": "v"}),
        (part("form-data; name=a") + b"--b--", MULTIPART, "multipart", {"/a": "v"}),
        (part("form-data; name=a; filename=x.png; filename*=utf-8''x.png") + b"--b--", MULTIPART, "multipart", {"/a": "x.png"}),
        (b"plain", "text/plain", "text", {}),
        (b"", "application/json", "none", {}),
    ],
)  # fmt: skip
def test_bodies_become_pointers_to_scalars(raw: bytes, media: str, kind: str, facts: dict[str, Scalar]) -> None:
    content = read_content(raw, media, None)
    assert (content.kind, content.facts, content.is_complete) == (kind, facts, True)


@pytest.mark.parametrize(
    ("raw", "media", "code"),
    [
        (b'{"a": 1, "a": 2}', "application/json", "json_duplicate_key"),
        (b"a=1", "application/json", "json_syntax"),
        (b'{"a":1}\n{"a":2}', "application/json", "json_trailing_data"),
        (b"{}", "application/json; charset=utf-7", "content_charset"),
        (b"{}", "application/json; charset=utf-16", "content_charset"),
        (b"{}", "application/json, text/plain", "content_type"),
        (b"{}", "application/json; charset=utf-8; charset=utf-7", "content_type"),
        (b"{}", "json", "content_type"),
        (b"a=\xff", "application/x-www-form-urlencoded", "noncanonical_form"),
        (b"a=b\nc=d", "application/x-www-form-urlencoded", "noncanonical_form"),
        (b"x", "multipart/form-data", "multipart"),
        (b"x" + part('form-data; name="a"') + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"'), MULTIPART, "multipart"),
        (part('form-data; name="a"') + b"--b--\r\nmore", MULTIPART, "multipart"),
        (part('form-data; name="a"; name="b"') + b"--b--", MULTIPART, "multipart"),
        (part("form-data") + b"--b--", MULTIPART, "multipart"),
        (part("attachment; name=\"a\"") + b"--b--", MULTIPART, "multipart"),
        (part("form-data; name*=utf-8''a") + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "v", "Content-Disposition: form-data; name=\"b\"\r\n") + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "v", "Content-Transfer-Encoding: base64\r\n") + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "v", "Content-Transfer-Encoding: quoted-printable\r\n") + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "v", "Content-Length: 2\r\n") + b"--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "v", "X-Other: 1\r\n") + b"--b--", MULTIPART, "multipart"),
        (part("form-data; name=a b") + b"--b--", MULTIPART, "multipart"),
        (part("form-data; name=a; filename=x; filename*=utf-8''y") + b"--b--", MULTIPART, "multipart"),
        (part("form-data; name=a; filename*=utf-8''y") + b"--b--", MULTIPART, "multipart"),
        (part("form-data; name=a; filename=y; filename*=utf-16''y") + b"--b--", MULTIPART, "multipart"),
        (b"--b\nContent-Disposition: form-data; name=\"a\"\n\nv\n--b--", MULTIPART, "multipart"),
        (part('form-data; name="a"', "x --b y") + b"--b--", MULTIPART, "multipart"),
    ],
)  # fmt: skip
def test_what_two_servers_could_read_differently_is_refused(raw: bytes, media: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_content(raw, media, None)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("raw", "media", "encoding", "feature", "is_complete"),
    [
        (b'{"a": 1}', "text/plain", None, "body_mismatch", False),
        (b'{"a": 1}', "application/x-www-form-urlencoded", None, "body_mismatch", False),
        (b"x", None, None, "opaque_body", False),
        (b"x", "application/json", "gzip", "opaque_body", False),
        (b"<a/>", "application/xml", None, "opaque_body", False),
        (b"x", "image/png", None, "opaque_body", True),
        (b"x", "application/octet-stream", None, "opaque_body", True),
        (b'{"a": 1, "A": 2}', "application/json", None, "keys_differ_in_case", True),
        (b"a=1&a=2", "application/x-www-form-urlencoded", None, "repeated_parameter", True),
    ],
)
def test_what_is_not_read_or_not_what_it_says_is_marked(
    raw: bytes, media: str | None, encoding: str | None, feature: str, is_complete: bool
) -> None:
    content = read_content(raw, media, encoding)
    assert feature in content.features
    assert content.is_complete is is_complete


def test_more_facts_than_fit_leave_the_body_incomplete() -> None:
    content = read_content(json.dumps(list(range(MAX_FACTS + 1))).encode(), "application/json", None)
    assert len(content.facts) == MAX_FACTS
    assert not content.is_complete
    assert not read_content(json.dumps("x" * 20_000).encode(), "application/json", None).is_complete


PATCH = "application/json-patch+json"


def patched(*changes: object) -> Content:
    return read_content(json.dumps(changes).encode(), PATCH, None)


def test_what_a_patch_sets_is_a_fact_of_its_place() -> None:
    content = patched(
        {"op": "test", "path": "/role", "value": "viewer"},
        {"op": "replace", "path": "/role", "value": "admin"},
        {"op": "add", "path": "/more", "value": {"rights": ["all"]}},
    )
    assert (content.facts["/role"], content.facts["/more/rights/0"]) == ("admin", "all")
    assert (content.is_complete, content.features) == (True, set())


def test_what_a_patch_removes_or_moves_is_said() -> None:
    assert patched({"op": "remove", "path": "/role"}).features == {"patch_removes"}
    for word in ("copy", "move"):
        content = patched({"op": word, "from": "/a", "path": "/role"})
        assert (content.features, content.is_complete) == ({"patch_moves"}, False)


@pytest.mark.parametrize(
    "change",
    [
        7,
        {"op": "replace", "path": "role", "value": 1},
        {"op": "replace", "path": "/role"},
        {"op": "remove", "path": "/role", "value": 1},
        {"op": "Replace", "path": "/role", "value": 1},
        {"op": ["replace"], "path": "/role", "value": 1},
        {"op": "replace", "path": "/role", "value": 1, "more": 1},
        {"op": "replace", "value": 1},
    ],
)
def test_a_change_that_is_none_is_refused(change: object) -> None:
    with pytest.raises(Refused):
        patched(change)
    with pytest.raises(Refused):
        read_content(b"{}", PATCH, None)


@pytest.mark.parametrize(
    "media", ["text/plain", "application/octet-stream", "image/png", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1,} more',
        b"{'a': 1}",
        b'\0\r\n{"a": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        b'[{"a": 1}]',
        b"{/**/}",
    ],
)
def test_what_somebody_may_read_as_json_is_not_what_another_type_says(media: str, raw: bytes) -> None:
    try:
        content = read_content(raw, media, None)
    except Refused:
        assert media == "application/x-www-form-urlencoded"
        return
    assert "body_mismatch" in content.features
    assert not content.is_complete


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_json_in_wide_letters_is_seen_too(encoding: str) -> None:
    assert "body_mismatch" in read_content('{"a": 1}'.encode(encoding), "application/octet-stream", None).features


@pytest.mark.parametrize("raw", [b"[x] to do", b"{curly} words", b"\x89PNG\r\n", b"plain", b"[link](/a)"])
def test_other_texts_and_pictures_are_what_they_say(raw: bytes) -> None:
    assert read_content(raw, "text/plain", None).is_complete
    assert read_content(raw, "image/png", None).is_complete


def test_a_name_that_is_a_field_and_a_file_is_refused() -> None:
    raw = part('form-data; name="a"') + part('form-data; name="a"; filename="x"') + b"--b--"
    with pytest.raises(Refused):
        read_content(raw, MULTIPART, None)


@pytest.mark.parametrize("raw", [b"discount=50%&x=1", b"a=%zz", b"a=%", b"a=%4&b=%u0041"])
def test_a_percent_sign_that_begins_no_escape_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):  # some servers keep the sign, some drop the field, some refuse the form
        read_content(raw, "application/x-www-form-urlencoded", None)


def test_letters_of_a_form_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(Refused):
        read_content(b"a=\xc0\xaf", "application/x-www-form-urlencoded", None)
