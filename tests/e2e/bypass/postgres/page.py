"""`docs/bypass.md`, written from the cases: `python -m tests.e2e.bypass.postgres.page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.e2e.bypass.http.answer_cases import ANSWERS, AUTHORITIES, CACHED, REDIRECTS, TAGS
from tests.e2e.bypass.http.cases import CASES as HTTP_CASES
from tests.e2e.bypass.http.document_cases import DOCUMENTS
from tests.e2e.bypass.kubernetes.cases import CASES as KUBERNETES_CASES
from tests.e2e.bypass.postgres.cases import CASES, Case
from tests.e2e.bypass.postgres.dialogues import DIALOGUES, spellings
from tests.e2e.bypass.ssh.cases import CASES as SSH_CASES
from tests.e2e.bypass.ssh.cases import REQUESTS as SSH_REQUESTS
from tests.e2e.bypass.ssh.request_cases import SPELLINGS

PAGE = Path(__file__).parents[4] / "docs" / "bypass.md"
_HEAD = """\
# Ways around a guard, and what becomes of them

Written from `tests/e2e/bypass/postgres/cases.py` by `python -m tests.e2e.bypass.postgres.page`; do not edit.

Each way is sent in all its spellings through a whole gateway with the policies of `policies/postgres` to a real PostgreSQL
server, by somebody who may read and sees `ssn` masked. The test fails when one comes to anything else than what stands here,
when a piece of a value of `ssn` comes back in any message, when anything on the server has changed, or when what comes back is
another answer once other values stand in `ssn`. Of most ways there is a harmless one that looks like it; it has to run.

*stop*: refused, or it waits for people. *mask*: rows come back, masked. *mask or stop*: either is safe. *run*: harmless, and it runs.

## PostgreSQL

| | way | comes to | tried | for example |
|---|---|---|---|---|
"""


_SSH = """
## SSH

Sent over a real connection through a whole gateway with `policies/shell` and `policies/ssh` to a real sshd, by a developer. A file of
the target that the commands try to remove must stay, another must not come to be, and nothing may be allowed in the audit. Every
command is stopped: refused, or it waits for people. Shells without a terminal are refused, raw ones denied; 60 to 77 and 81 are pasted into a guarded shell too,
and 200 made lines (5,000 in `make long`) leave a start file alone. As many other lines are run by bash itself under strace: every program it starts is one that our
tree of the line names, or the tree says that it is not complete.

| | way | tried | for example |
|---|---|---|---|
"""


_KUBERNETES = """
## Kubernetes

Sent as bytes through whole sessions judged by `policies/kubernetes`, for a developer, and over TLS through a whole gateway to a
real API server, whose own audit may hold nothing of them. Each is refused, or it waits for people. The ways around over SSH (60 to 77 and 82) are typed and pasted into a
guarded shell of a pod that a real bash stands for, with 200 made lines (4,000 more in `make long`), and by kubectl on a real terminal before that API server.

| | way | tried | for example |
|---|---|---|---|
"""


_HTTP = """
## HTTP

Sent as bytes through a whole gateway to a server that notes what reaches it. *refuse*: an error of ours, and nothing does. *one*: at most the one request that was
judged does, spelt as it was judged.

| | way | comes to | tried | for example |
|---|---|---|---|---|
"""


_BEYOND = """
Bodies (100, 101) are sent by a developer with the policies of `policies/http` to a server that takes each body in every way some server does, and that
must not come to what is denied. Answers (102 to 104) come from a hostile target: no piece of a masked value may be seen, nothing inside be reached, no real cache
(nginx) before the gateway show one person what another asked for.

| | way | tried |
|---|---|---|
"""


def page_text() -> str:
    ssh, kubernetes = _SSH + "".join(_ssh_rows()), _KUBERNETES + "".join(_kubernetes_rows())
    return (
        _HEAD + "".join(_rows()) + ssh + kubernetes + _HTTP + "".join(_http_rows()) + _BEYOND + "".join(_beyond_rows())
    )


def _beyond_rows() -> Iterator[str]:
    for case in DOCUMENTS:
        yield f"| {case.number} | {case.title} | {len(case.texts)} spellings |\n"
    for answers in ANSWERS:
        yield f"| {answers.number} | {answers.title} | {len(answers.spellings)} spellings |\n"
    for number, title, count in (
        (102, "whether a guess of a document is right, by its tag", len(TAGS)),
        (103, "answers that lead elsewhere", len(REDIRECTS)),
        (103, "request lines and hosts that lead elsewhere", len(AUTHORITIES)),
        (104, "copies that a cache would show to somebody else", len(CACHED)),
    ):
        yield f"| {number} | {title} | {count} spellings |\n"


def _http_rows() -> Iterator[str]:
    for case in HTTP_CASES:
        first, *rest = case.texts[0].decode("latin-1").split("\r\n" if b"\r\n" in case.texts[0] else "\n")
        shown = " | ".join(
            [first.removesuffix(" HTTP/1.1"), *(line for line in rest[2:] if line and "text/plain" not in line)][:2]
        )
        shown = "".join(char if char.isprintable() else " " for char in shown).replace("|", "\\|")
        yield f"| {case.number} | {case.title} | {case.expected} | {len(case.texts)} spellings | {_quoted(shown)} |\n"


def _kubernetes_rows() -> Iterator[str]:
    for case in KUBERNETES_CASES:
        line = case.texts[0].split(b" HTTP/1.1")[0].decode("latin-1")
        yield f"| {case.number} | {case.title} | {len(case.texts)} spellings | {_quoted(line)} |\n"


def _ssh_rows() -> Iterator[str]:
    for case in SSH_CASES:
        shown = " ".join(case.texts[0].split()).replace("|", "\\|")
        yield f"| {case.number} | {case.title} | {len(case.texts)} spellings | {_quoted(shown)} |\n"
    for number, title, test in SSH_REQUESTS:
        tried = f"{SPELLINGS[test]} spellings" if test in SPELLINGS else "request by request"
        yield f"| {number} | {title} | {tried} | {test.removeprefix('test_').replace('_', ' ')} |\n"


def _quoted(shown: str) -> str:
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def _rows() -> Iterator[str]:
    for case in CASES:
        tried = f"{len(case.texts) + spellings(case.number)} spellings{'' if case.texts else ', message by message'}"
        example = case.texts[0] if case.texts else _example(case)
        shown = " ".join(example.split()).replace("|", "\\|")
        quoted = f"`` {shown} ``" if "`" in shown else f"`{shown}`" if case.texts else shown
        yield f"| {case.number} | {case.title} | {case.expected} | {tried} | {quoted} |\n"


def _example(case: Case) -> str:
    if case.number in DIALOGUES:
        return DIALOGUES[case.number][0].title
    return case.special.removeprefix("test_").replace("_", " ")


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
