"""A notice as a ticket: an issue of GitHub, one of Jira Cloud. Pure.

Nothing that somebody wrote is taken for markup: it stands in code, where no name of a person or a team calls anybody.
Called by `gateway.app`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gateway.notices.messages import Write
from gateway.notices.picking import Notice
from gateway.notices.words import command_of, facts_of, title_of

GITHUB_HEADERS = {
    "Accept": "application/vnd.github+json",
    "User-Agent": "sallyport",
    "X-GitHub-Api-Version": "2022-11-28",
}
"""What GitHub wants to see with each request (https://docs.github.com/rest/using-the-rest-api)."""
JIRA_HEADERS = {"Accept": "application/json"}


def github(labels: Sequence[str]) -> Write:
    """`POST /repos/OWNER/NAME/issues` (https://docs.github.com/rest/issues/issues#create-an-issue)."""

    def write(notice: Notice) -> Mapping[str, object]:
        command = command_of(notice)
        parts = [_fenced(command)] if command else []
        parts.append(_fenced(_listed(notice)))
        return {"title": title_of(notice), "body": "\n\n".join(parts), "labels": list(labels)}

    return write


def jira(project: str, issue_type: str, labels: Sequence[str]) -> Write:
    """`POST /rest/api/3/issue`; the description is in the Atlassian Document Format, whose text nodes know no markup
    (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/)."""

    def write(notice: Notice) -> Mapping[str, object]:
        command = command_of(notice)
        content = [_code(command)] if command else []
        content.append(_code(_listed(notice)))
        return {
            "fields": {
                "project": {"key": project},
                "issuetype": {"name": issue_type},
                "summary": title_of(notice),
                "description": {"type": "doc", "version": 1, "content": content},
                "labels": list(labels),
            }
        }

    return write


def _listed(notice: Notice) -> str:
    facts = [*facts_of(notice), ("notice", notice.uid)]
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in facts)


def _fenced(text: str) -> str:
    """A block of code in Markdown: its fence is longer than any run of backticks in it (CommonMark 0.31, 4.5)."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _code(text: str) -> Mapping[str, object]:
    return {"type": "codeBlock", "content": [{"type": "text", "text": text}]}
