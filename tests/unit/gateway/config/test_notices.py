"""`[[notify]]`: each kind has what it needs and nothing else's, secrets by reference, addresses that are nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.config import Config
from gateway.config.audited import AuditExport, ExportKind
from gateway.config.model import (
    Audit,
    NoticeEvent,
    NoticeKind,
    Notify,
    Resource,
    ResourceProtocol,
)
from gateway.config.notices import MailPlace, find_notice_misfits, mail_place

HOOK = {"name": "ops", "kind": NoticeKind.WEBHOOK, "url": "env:HOOK", "secret": "env:SECRET"}
CHAT = {"name": "chat", "kind": NoticeKind.SLACK, "url": "file:hook"}
MAIL = {
    "name": "mail",
    "kind": NoticeKind.EMAIL,
    "url": "file:mail",
    "sender": "gate@ops.example",
    "to": ("a@b.example",),
}
JIRA = {"name": "jira", "kind": NoticeKind.JIRA, "url": "file:jira", "token": "env:JIRA", "project": "OPS"}
GITHUB = {"name": "github", "kind": NoticeKind.GITHUB, "url": "file:github", "token": "env:GITHUB"}
FILE = {"name": "siem", "kind": ExportKind.FILE, "to": "out/audit.jsonl"}


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        (HOOK, []),
        (CHAT, []),
        ({**CHAT, "resources": ("orders",), "events": (NoticeEvent.HELD, NoticeEvent.REFUSED)}, []),
        ({**HOOK, "name": "a b"}, ["name"]),
        ({**HOOK, "name": "siem"}, ["name"]),
        ({**HOOK, "url": "https://hooks.example/x"}, ["url"]),
        ({**HOOK, "secret": None}, ["secret"]),
        ({**HOOK, "secret": "plain"}, ["secret"]),
        ({**CHAT, "secret": "env:SECRET"}, ["secret"]),
        ({**CHAT, "ca_file": "nowhere"}, ["ca_file"]),
        ({**CHAT, "events": ()}, ["events"]),
        ({**CHAT, "resources": ("orders", "other")}, ["resources.1"]),
        (MAIL, []),
        ({**MAIL, "token": "env:MAIL", "events": (NoticeEvent.DENIED,)}, []),
        ({**MAIL, "sender": "", "to": ()}, ["sender", "to"]),
        ({**MAIL, "sender": "Gate <gate@ops.example>"}, ["sender"]),
        ({**MAIL, "to": ("a@b.example", "a@b\r\nBcc: c@d")}, ["to.1"]),
        ({**MAIL, "labels": ("x",)}, ["labels"]),
        (JIRA, []),
        ({**JIRA, "labels": ("sallyport",), "issue_type": "Incident"}, []),
        ({**JIRA, "project": "", "token": None}, ["project", "token"]),
        ({**JIRA, "project": "ops 1"}, ["project"]),
        ({**JIRA, "labels": ("two words",)}, ["labels.0"]),
        ({**JIRA, "token": "me:plain"}, ["token"]),
        (GITHUB, []),
        ({**GITHUB, "project": "OPS"}, ["project"]),
        ({**GITHUB, "to": ("a@b.example",)}, ["to"]),
        ({**GITHUB, "token": None}, ["token"]),
        ({**CHAT, "token": "env:TOKEN"}, ["token"]),
    ],
)
def test_who_is_told_is_checked(fields: dict[str, object], keys: list[str]) -> None:
    place = Resource("orders", ResourceProtocol.POSTGRES, "db:5432", role="app")
    config = replace(
        Config(),
        resource=(place,),
        audit=Audit(export=(AuditExport(**FILE),)),  # type: ignore[arg-type]  # fields of a test
        notify=(Notify(**fields),),  # type: ignore[arg-type]  # fields of a test
    )
    assert [".".join(map(str, path)) for path, _ in find_notice_misfits(config)] == [f"notify.0.{key}" for key in keys]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("smtps://mail.example", MailPlace("mail.example", 465, True, False)),
        ("smtp://mail.example:2525/", MailPlace("mail.example", 2525, False, False)),
        ("smtp://127.0.0.1:25", MailPlace("127.0.0.1", 25, False, True)),
        ("smtp://localhost", MailPlace("localhost", 587, False, False)),
    ],
)
def test_a_mail_server_is_named_with_the_way_to_it(url: str, place: MailPlace) -> None:
    assert mail_place(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "https://mail.example",
        "smtp://",
        "smtp://me@mail.example",
        "smtp://h:0",
        "smtp://h:99999",
        "smtp://h/x",
    ],
)
def test_what_is_no_mail_server_is_told_apart(url: str) -> None:
    assert mail_place(url) is None
