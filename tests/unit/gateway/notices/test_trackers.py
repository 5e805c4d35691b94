"""A ticket holds what somebody wrote as code: it names nobody, links nothing, and ends where we end it."""

from __future__ import annotations

import re

import pytest

from gateway.notices.trackers import github, jira
from tests.strategies.notices import DENIED, LOG, body, line

HOSTILE = "DROP ``` @octo/everyone #1 [x](https://evil.example)\n````\n<img src=x> {noformat}"


def test_an_issue_of_github_has_a_title_a_body_and_labels() -> None:
    found = body(github(("sallyport", "denied")), line(DENIED))
    assert found["title"] == "ana was denied a command on orders"
    assert found["labels"] == ["sallyport", "denied"]
    assert found["body"] == (
        "```text\nDROP TABLE a\n```\n\n```text\ndecision: d-9\njob: build-42\nwho: agent ana\ndenied by: p/DROP\n"
        f"because of: policy\nnotice: {LOG}/7\n```"
    )


@pytest.mark.parametrize("fields", [{"text": HOSTILE}, {"job": HOSTILE}, {"principal": HOSTILE}])
def test_no_text_ends_the_code_it_stands_in(fields: dict[str, object]) -> None:
    written = body(github(()), line(DENIED, **fields))["body"]
    assert isinstance(written, str)
    fence = None
    outside = []
    for one in written.split("\n"):
        mark = re.match("(`{3,})", one)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None and one == fence:
            fence = None
        elif fence is None:
            outside.append(one)
    assert fence is None
    assert outside == [""]


def test_an_issue_of_jira_has_its_project_type_and_a_description_without_markup() -> None:
    found = body(jira("OPS", "Incident", ("sallyport",)), line(DENIED, text=HOSTILE))["fields"]
    assert isinstance(found, dict)
    assert found["project"] == {"key": "OPS"}
    assert found["issuetype"] == {"name": "Incident"}
    assert found["summary"] == "ana was denied a command on orders"
    assert found["labels"] == ["sallyport"]
    document = found["description"]
    assert (document["type"], document["version"]) == ("doc", 1)
    assert [part["type"] for part in document["content"]] == ["codeBlock", "codeBlock"]
    assert document["content"][0]["content"] == [{"type": "text", "text": HOSTILE}]
