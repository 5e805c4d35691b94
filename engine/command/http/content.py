"""What a body says: by its Content-Type to plain values, then to JSON pointers; mismatches and odd spellings refused.

Judged as the declared type says, and only where the body is of that type. What is not read is marked: `opaque_body`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from engine.command.documents.json_text import read_json
from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value, members
from engine.command.http.path import parse_query
from engine.command.http.tree import Scalar

MAX_FACTS = 1000
_SETTING = ("add", "replace")
_CHANGES = (*_SETTING, "test", "remove", "copy", "move")
_CHANGE_KEYS = frozenset({"op", "path", "value", "from"})
MAX_FACT = 16 * 1024
MAX_PARTS = 200
MAX_LINES = 10_000

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEDIA = re.compile(rf"({_WORD}/{_WORD})((?:[ \t]*;[ \t]*{_WORD}=(?:{_WORD}|\"[^\"\\\x00-\x1f]*\"))*)[ \t]*;?")
_PARAMETER = re.compile(rf"({_WORD})=(?:({_WORD})|\"([^\"]*)\")")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=?]{1,70}")
_DISPOSITION = re.compile(
    rf'form-data((?:; ?(?:(?:name|filename)=(?:"[^"\r\n\\]*"|{_WORD})|filename\*={_WORD}))+)', re.IGNORECASE
)
_SAID = re.compile(rf'; ?(name|filename\*|filename)=(?:"([^"]*)"|({_WORD}))', re.IGNORECASE)
_PART_FIELDS = frozenset({"content-disposition", "content-type", "content-length", "content-transfer-encoding"})
_AS_IT_STANDS = frozenset({"7bit", "8bit", "binary"})
"""Transfer encodings of a part that change nothing; of the others most servers take no notice, and a few do."""
_LIKE_JSON = re.compile(
    rb"(?:\xef\xbb\xbf)?[\x00-\x20\x1e]*(?:\{[\x00-\x20]*[\"'/}]|\[[\x00-\x20]*[\[{])|(?:\xff\xfe|\xfe\xff)\x00?\x00?[\x00\x20\r\n\t]*[\[{]"
)
"""How an object, or an array of some, begins; in the encodings that servers find out by themselves."""
_JSON = frozenset({"application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/json-rpc"})
_ALIKE = {"utf-8", "utf8"}
_LETTER = re.compile(r"[^\x00-\x7f]+")
_BINARY = ("image/", "audio/", "video/", "font/")
_BINARY_TYPES = frozenset(
    {
        *("application/octet-stream", "application/pdf", "application/zip", "application/gzip", "application/x-tar"),
        *("application/x-gzip", "application/wasm", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    }
)


@dataclass(slots=True)
class Content:
    """A body as it was read. `document` is the value of a JSON body, `text` that of a text."""

    kind: str = "none"
    media: str | None = None
    document: Value = None
    text: str | None = None
    facts: dict[str, Scalar] = field(default_factory=dict)
    features: set[str] = field(default_factory=set)
    is_complete: bool = True


def read_content(raw: bytes, content_type: str | None, encoding: str | None) -> Content:
    """The body by its type. Raises Refused."""
    media, parameters = _media(content_type)
    content = Content(media=media)
    if not raw:
        return content
    if encoding is not None and encoding.lower() != "identity":
        return _opaque(content, is_complete=False)
    charset = parameters.get("charset", "utf-8").lower()
    if media is None:
        return _opaque(content, is_complete=False)
    if media == "application/x-www-form-urlencoded":
        _check_charset(charset, _ALIKE | {"us-ascii"})
        return _form(content, raw)
    if media == "multipart/form-data":
        return _multipart(content, raw, parameters.get("boundary"))
    if media in _JSON or media.endswith(("+json", "/json")):
        _check_charset(charset, _ALIKE)
        return _json(content, raw)
    if media in ("application/x-ndjson", "application/jsonl", "application/x-jsonlines"):
        return _json_lines(content, raw)
    if media == "application/graphql" or (media.startswith("text/") and media not in ("text/xml", "text/html")):
        _check_charset(charset, _ALIKE | {"us-ascii", "iso-8859-1"})
        return _text(content, raw)
    if media.startswith(_BINARY) or media in _BINARY_TYPES:
        # WHY looked at: many servers read JSON whatever the type says.
        is_other = _looks_like_json(raw)
        content.features |= {"body_mismatch"} if is_other else set()
        return _opaque(content, is_complete=not is_other)
    return _opaque(content, is_complete=False)


def _media(content_type: str | None) -> tuple[str | None, dict[str, str]]:
    if content_type is None or content_type == "":
        return None, {}
    found = _MEDIA.fullmatch(content_type)
    if found is None:
        raise Refused("content_type", "the Content-Type is not `type/subtype; name=value`")
    parameters: dict[str, str] = {}
    for name, word, quoted in _PARAMETER.findall(found[2]):
        if name.lower() in parameters:
            raise Refused("content_type", f"the Content-Type has `{name[:40]}` twice")
        parameters[name.lower()] = word or quoted
    return found[1].lower(), parameters


def _check_charset(charset: str, known: set[str]) -> None:
    if charset not in known:
        raise Refused("content_charset", f"a body in `{charset[:40]}` is not read; send UTF-8")


def _opaque(content: Content, *, is_complete: bool) -> Content:
    content.kind, content.is_complete = "binary", is_complete
    content.features.add("opaque_body")
    return content


def _text(content: Content, raw: bytes) -> Content:
    content.kind = "text"
    try:
        content.text = raw.decode("utf-8")
    except UnicodeDecodeError:
        content.text = raw.decode("latin-1")
    if content.media != "application/graphql" and _looks_like_json(raw):
        content.features.add("body_mismatch")
        content.is_complete = False
    return content


def _looks_like_json(raw: bytes) -> bool:
    """Whether some server may take a body for JSON, though it be no strict JSON."""
    if _LIKE_JSON.match(raw) is not None:
        return True
    if raw.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        read_json(raw)
    except Refused:
        return False
    return True


def _json(content: Content, raw: bytes) -> Content:
    content.kind, content.document = "json", read_json(raw)
    _flatten(content, content.document)
    _check_case(content)
    if content.media == "application/json-patch+json":
        _patch(content, content.document)
    return content


def _patch(content: Content, document: Value) -> None:
    """Changes one by one (RFC 6902): what they set is a fact of the place they set it at. Raises Refused."""
    if not isinstance(document, list):
        raise Refused("json_patch", "the body is no list of changes")
    for one in document:
        if not isinstance(one, dict) or not one.keys() <= _CHANGE_KEYS:
            raise Refused("json_patch", "a change of the patch is none")
        word, path = one.get("op"), one.get("path")
        is_known = isinstance(path, str) and (path == "" or path.startswith("/")) and len(path) <= 1000
        if word not in _CHANGES or not is_known or ("value" in one) is not (word in (*_SETTING, "test")):
            raise Refused("json_patch", "a change of the patch is none that is known, or says no place")
        if word in _SETTING:
            set_here = Content()
            _flatten(set_here, one["value"])
            for pointer, value in set_here.facts.items():
                _keep(content, f"{path}{pointer}", value)
            if not set_here.is_complete:
                content.is_complete = False
        elif word == "remove":
            content.features.add("patch_removes")
        elif word != "test":
            # WHY not complete: which value comes to stand there only the target knows.
            content.features.add("patch_moves")
            content.is_complete = False


def _json_lines(content: Content, raw: bytes) -> Content:
    lines = [line for line in raw.split(b"\n") if line.strip()]
    if len(lines) > MAX_LINES:
        raise Refused("json_size", f"the body has more than {MAX_LINES} lines")
    content.kind, content.document = "json", [read_json(line) for line in lines]
    _flatten(content, content.document)
    _check_case(content)
    return content


def _check_case(content: Content) -> None:
    """Keys that differ in case only: Go and .NET take them for one key, and the last one wins."""
    seen: dict[int, set[str]] = {}
    for key, _, around in members(content.document):
        folded = seen.setdefault(id(around), set())
        if key.casefold() in folded:
            content.features.add("keys_differ_in_case")
        folded.add(key.casefold())


def _flatten(content: Content, document: Value) -> None:
    waiting: list[tuple[str, Value]] = [("", document)]
    while waiting:
        pointer, value = waiting.pop()
        if isinstance(value, dict):
            parts = [(name.replace("~", "~0").replace("/", "~1"), inside) for name, inside in value.items()]
            waiting.extend((f"{pointer}/{name}", inside) for name, inside in reversed(parts))
        elif isinstance(value, list):
            waiting.extend((f"{pointer}/{number}", value[number]) for number in range(len(value) - 1, -1, -1))
        elif value is not None:
            _keep(content, pointer, value)


def _keep(content: Content, pointer: str, value: Scalar) -> None:
    """One fact. More or longer ones than fit are left out, and the body does not count as seen to the bottom."""
    is_long = len(pointer) > 1000 or (isinstance(value, str) and len(value) > MAX_FACT)
    if len(content.facts) >= MAX_FACTS or is_long:
        content.is_complete = False
        content.features.add("opaque_body")
        return
    content.facts[pointer] = value


def _form(content: Content, raw: bytes) -> Content:
    content.kind = "form"
    try:
        # Bytes that should be escaped are read as what they stand for: only letters beyond ASCII are.
        text = _LETTER.sub(lambda found: quote(found[0]), raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused("noncanonical_form", "the form has bytes that must be escaped") from None
    if any(char < " " and char not in "\t" for char in text.rstrip("\r\n")):
        raise Refused("noncanonical_form", "the form has control characters")
    if _looks_like_json(raw):
        content.features.add("body_mismatch")
        content.is_complete = False
    for name, values in parse_query(text.rstrip("\r\n"), what="form").items():
        _add(content, name, values)
    return content


def _add(content: Content, name: str, values: tuple[str, ...]) -> None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    if len(values) > 1:
        content.features.add("repeated_parameter")
        for number, value in enumerate(values):
            _keep(content, f"{pointer}/{number}", value)
    else:
        _keep(content, pointer, values[0])


def _multipart(content: Content, raw: bytes, boundary: str | None) -> Content:
    content.kind = "multipart"
    if boundary is None or not _BOUNDARY.fullmatch(boundary):
        raise Refused("multipart", "the multipart body has no boundary that everybody reads alike")
    mark = b"--" + boundary.encode("ascii")
    if not raw.startswith(mark + b"\r\n"):
        raise Refused("multipart", "the multipart body does not begin with its boundary and CRLF")
    body, end, after = raw.rpartition(b"\r\n" + mark + b"--")
    if not end or after not in (b"", b"\r\n") or len(body) < len(mark) + 2:
        raise Refused("multipart", "the multipart body does not end with its boundary")
    parts = body[len(mark) + 2 :].split(b"\r\n" + mark + b"\r\n")
    if len(parts) > MAX_PARTS or any(mark in part for part in parts):
        raise Refused("multipart", "the multipart body has too many parts, or its boundary inside one")
    found: dict[str, list[str]] = {}
    files: dict[str, bool] = {}
    for part in parts:
        name, value, is_file = _part(content, part)
        if files.setdefault(name, is_file) is not is_file:
            raise Refused("multipart", f"`{name[:40]}` is a field and a file: servers pick different ones")
        found.setdefault(name, []).append(value)
    for name, values in found.items():
        _add(content, name, tuple(values))
    return content


def _part(content: Content, raw: bytes) -> tuple[str, str, bool]:
    """Name, value (of a file its name), and whether it is a file."""
    head, separator, value = raw.partition(b"\r\n\r\n")
    fields: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        name, colon, text = line.partition(b":")
        key = name.decode("latin-1").lower()
        if not colon or not re.fullmatch(_WORD, key) or key in fields or b"\n" in line or b"\r" in line:
            raise Refused("multipart", "a part has header lines that cannot be read one way only")
        fields[key] = text.strip().decode("latin-1")
    disposition = _DISPOSITION.fullmatch(fields.get("content-disposition", ""))
    if not separator or disposition is None or not fields.keys() <= _PART_FIELDS:
        raise Refused("multipart", 'a part has no plain `Content-Disposition: form-data; name="..."`')
    if fields.get("content-length", str(len(value))) != str(len(value)):
        raise Refused("multipart", "a part is not as long as it says")
    if fields.get("content-transfer-encoding", "binary").lower() not in _AS_IT_STANDS:
        raise Refused("multipart", "a part is encoded in a way that some servers decode and others do not")
    said = _SAID.findall(disposition[1])
    names = {key.lower(): quoted or word for key, quoted, word in said}
    if len(names) != len(said) or "name" not in names:
        raise Refused("multipart", "a part names itself twice or not at all")
    if "filename*" in names and not _is_same_name(names["filename*"], names.get("filename")):
        raise Refused("multipart", "a part has two names of a file, and servers pick different ones")
    if "filename" in names:
        content.features.add("opaque_body")
        return names["name"], names["filename"], True
    try:
        return names["name"], value.decode("utf-8"), False
    except UnicodeDecodeError:
        raise Refused("multipart", "a field of the multipart body is not UTF-8") from None


def _is_same_name(extended: str, plain: str | None) -> bool:
    """Whether `filename*` (RFC 8187) says what `filename` says; it stands beside that, never alone."""
    charset, _, rest = extended.partition("'")
    if charset.lower() not in _ALIKE or plain is None:
        return False
    try:
        return unquote(rest.partition("'")[2], errors="strict") == plain.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
