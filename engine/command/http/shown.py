"""The text of a request as people and logs may see it: what only proves who somebody is stands as `***`.

Deliberately blunt, for it is used on texts that no grammar could read too: whatever line looks like a header that carries
a credential loses its value, wherever it stands, and so do user names and passwords in URLs and tokens in the query.
That such a header is there stays visible. Nothing is decided from what comes out. Callers: `parse`, the audit.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from engine.command.http.signs import SECRET_KEYS

HIDDEN = "***"

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CREDENTIAL = re.compile(
    r"authorization|authentication|cookie|token|secret|passw|passphrase|api[-_.]?key|access[-_.]?key|credential|signature"
    r"|session[-_.]?id|subscription[-_.]?key|functions[-_.]?key|client[-_.]?cert|x[-_.]auth",
    re.IGNORECASE,
)
_LINES = re.compile(r"([\r\n]+)")
_USERINFO = re.compile(r"(://)[^/?#\s@]*@")
_IN_OFFER = re.compile(r"(sallyport\.bearer\.)[\w\-=]+")
"""A token among the subprotocols of a WebSocket."""
_PARAMETER = re.compile(r"([?&;])([^=&;#\s]{1,200})=([^&;#\s]+)")


def hide_credentials(text: str) -> str:
    """The text of a request without its credentials.

    >>> hide_credentials("GET /?token=abc HTTP/1.1\\r\\nAuthorization: Bearer abc\\r\\n\\r\\n")
    'GET /?token=*** HTTP/1.1\\r\\nAuthorization: ***\\r\\n\\r\\n'
    """
    pieces = _LINES.split(_IN_OFFER.sub(rf"\1{HIDDEN}", text))
    pieces[0] = _PARAMETER.sub(_parameter, _USERINFO.sub(rf"\1{HIDDEN}@", pieces[0]))
    is_hidden = False
    for number in range(0 if len(pieces) == 1 else 2, len(pieces), 2):
        line = pieces[number]
        if is_hidden and line[:1] in (" ", "\t"):
            pieces[number] = line[0] + HIDDEN
            continue
        name, colon, value = line.partition(":")
        is_hidden = bool(colon and value.strip()) and _is_credential(name.strip(" \t"))
        if is_hidden:
            pieces[number] = f"{name}:{value[: len(value) - len(value.lstrip())]}{HIDDEN}"
    return "".join(pieces)


def _is_credential(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and _CREDENTIAL.search(name) is not None


def _parameter(found: re.Match[str]) -> str:
    start, name, _ = found.groups()
    return f"{start}{name}={HIDDEN}" if unquote(name).lower() in SECRET_KEYS else found[0]
