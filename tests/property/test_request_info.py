"""Request-info against a second, plain telling of the same algorithm (k8s.io/apiserver, NewRequestInfo), step by step."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.request_info import request_info


def told_again(method: str, path: str, watch: str | None, name_selected: str | None) -> dict[str, str | None]:
    """What the server's function answers, written as its source reads."""
    answer: dict[str, str | None] = dict.fromkeys(
        ("group", "version", "namespace", "resource", "subresource", "name"), ""
    )
    answer["verb"] = method.lower()
    parts = path.strip("/").split("/") if path.strip("/") else []
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return answer
    prefix = parts.pop(0)
    if prefix == "apis":
        if len(parts) < 3:
            return answer
        answer["group"] = parts.pop(0)
    answer["version"] = parts.pop(0)
    if parts[0] in ("proxy", "watch"):
        answer["verb"] = parts.pop(0)
    else:
        verbs = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
        answer["verb"] = verbs.get(method, "")
    if parts[0] == "namespaces" and len(parts) > 1:
        answer["namespace"] = parts[1]
        if len(parts) > 2 and parts[2] not in ("status", "finalize"):
            parts = parts[2:]
    if len(parts) >= 3 and answer["verb"] != "proxy":
        answer["subresource"] = parts[2]
    if len(parts) >= 2:
        answer["name"] = parts[1]
    answer["resource"] = parts[0]
    if not answer["name"] and answer["verb"] == "get":
        answer["verb"] = "watch" if watch is not None and watch.lower() not in ("false", "0") else "list"
        answer["name"] = name_selected or ""
    if not answer["name"] and answer["verb"] == "delete":
        answer["verb"] = "deletecollection"
    return answer


words = st.sampled_from(
    [
        "api",
        "apis",
        "v1",
        "v1beta1",
        "apps",
        "namespaces",
        "default",
        "pods",
        "web-0",
        "watch",
        "proxy",
        "status",
        "finalize",
        "exec",
        "log",
        "nodes",
    ]
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])


@settings(max_examples=600)
@given(
    methods,
    st.one_of(
        st.lists(words, max_size=8),
        st.lists(words, min_size=1, max_size=5).map(lambda tail: ["api", "v1", *tail]),
        st.lists(words, min_size=1, max_size=5).map(lambda tail: ["apis", "apps", "v1", *tail]),
    ),
    st.sampled_from([None, "", "true", "false", "0", "False", "x"]),
    st.sampled_from([None, "web-0"]),
)
def test_both_tellings_agree_on_every_path_that_is_not_refused(
    method: str, parts: list[str], watch: str | None, selected: str | None
) -> None:
    path = "/" + "/".join(parts)
    query: dict[str, tuple[str, ...]] = {} if watch is None else {"watch": (watch,)}
    if selected is not None:
        query["fieldSelector"] = (f"metadata.name={selected}",)
    try:
        info = request_info(method, path, query)
    except Refused:
        return
    ours = {
        name: getattr(info, name) or ""
        for name in ("group", "version", "namespace", "resource", "subresource", "name", "verb")
    }
    assert ours == told_again(method, path, watch, selected)
