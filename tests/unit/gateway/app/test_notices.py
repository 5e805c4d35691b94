"""Notices of a whole gateway: somebody is told of a held command, and of what became of it, by the hooks that asked for that."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.assembly import Gateway
from gateway.approvals.states import Approved, Person
from gateway.config import Config, load_config
from gateway.config.model import NoticeEvent, NoticeKind, Notify
from gateway.doors.session import GatewaySession
from gateway.errors import ConfigInvalid
from tests.mail import Mailbox, mail_server
from tests.receivers import http_receiver
from tests.strategies.gates import question
from tests.strategies.gates import told as answered
from tests.strategies.gateways import ENVIRONMENT, settle_in

SECRET = secrets.token_urlsafe(24)


def configured(folder: Path, *notify: Notify) -> Config:
    return replace(load_config(settle_in(folder), {}), notify=notify)


async def test_who_asked_for_it_is_told_of_a_hold_and_of_its_end(tmp_path: Path) -> None:
    came, count = threading.Event(), [0]

    def answer(body: bytes) -> tuple[int, bytes]:
        count[0] += 1
        if count[0] == 3:
            came.set()
        return 200, b"ok"

    with http_receiver(answer) as posted:
        hook = Notify("ops", NoticeKind.WEBHOOK, "env:HOOK", "env:HOOK_SECRET", events=tuple(NoticeEvent))
        chat = Notify("chat", NoticeKind.SLACK, "env:HOOK", resources=("orders",))
        elsewhere = Notify("elsewhere", NoticeKind.SLACK, "env:HOOK", resources=("other",))
        environment = {**ENVIRONMENT, "HOOK": posted.url, "HOOK_SECRET": SECRET}
        gateway = Gateway(configured(tmp_path, hook, chat, elsewhere), environment)
        await gateway.start(listeners=False)
        admitted = gateway.doors.admit(
            user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
        )
        assert isinstance(admitted, GatewaySession)
        assert admitted.decide(question("SELECT 1")).decision.verdict.value == "allow"
        ticket = (await answered(admitted.decide(question("DELETE FROM a")))).ticket
        assert ticket is not None
        # The hold is told before anybody votes: afterwards it is nobody's news.
        seen = threading.Event()
        while count[0] < 2:
            seen.wait(0.01)
        gateway.gate.advance(ticket, Approved(Person("bo", ("dba",)), "fine"))
        assert came.wait(20)
        await gateway.stop(0.1)
        gateway.close()
    told = [json.loads(body) for body in posted.bodies]
    hooked = [(one["event"], one["ticket"], one["person"]) for one in told if "event" in one]
    assert hooked == [("held", ticket, ""), ("approved", ticket, "bo")]
    assert [one["text"] for one in told if "blocks" in one] == ["ana waits for approval on orders"]
    assert [("X-Sallyport-Signature" in headers) for headers in posted.headers].count(True) == 2


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HOOK": "http://hooks.example/x", "HOOK_SECRET": SECRET}, "none that may be posted to"),
        ({"HOOK": "https://hooks.example/x", "HOOK_SECRET": "short"}, "fewer than 16 bytes"),
    ],
)
def test_a_hook_that_cannot_be_used_stops_the_start_without_telling_it(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    hook = Notify("ops", NoticeKind.WEBHOOK, "env:HOOK", "env:HOOK_SECRET")
    with pytest.raises(ConfigInvalid, match=said) as caught:
        Gateway(configured(tmp_path, hook), {**ENVIRONMENT, **environment})
    assert "hooks.example" not in str(caught.value)


async def test_a_blocked_command_files_a_ticket_and_writes_a_letter(tmp_path: Path) -> None:
    box, came, tokens = (
        Mailbox(),
        threading.Event(),
        {"HUB": secrets.token_urlsafe(), "JIRA": f"me:{secrets.token_urlsafe()}"},
    )
    with mail_server(box) as port, http_receiver(lambda body: (201, b"{}")) as posted:
        of = {"events": (NoticeEvent.DENIED,), "labels": ("blocked",)}
        hub = Notify("hub", NoticeKind.GITHUB, "env:URL", token="env:HUB", **of)  # type: ignore[arg-type]  # fields of a test
        jira = Notify("jira", NoticeKind.JIRA, "env:URL", token="env:JIRA", project="OPS", **of)  # type: ignore[arg-type]  # fields of a test
        mail = Notify(
            "mail",
            NoticeKind.EMAIL,
            "env:MAIL",
            events=(NoticeEvent.DENIED,),
            sender="g@o.example",
            to=("a@o.example",),
        )
        environment = {**ENVIRONMENT, **tokens, "URL": posted.url, "MAIL": f"smtp://127.0.0.1:{port}"}
        gateway = Gateway(configured(tmp_path, hub, jira, mail), environment)
        await gateway.start(listeners=False)
        admitted = gateway.doors.admit(
            user="ana", resource="orders", protocol="postgres", proven=True, client_address=None, application=None
        )
        assert isinstance(admitted, GatewaySession)
        for _ in range(3):
            assert admitted.decide(question("CREATE TABLE a (b int)")).decision.verdict.value == "deny"
        while len(posted.bodies) < 2 or not box.letters:
            came.wait(0.01)
        await gateway.stop(0.1)
        gateway.close()
    told = {
        headers["Authorization"].partition(" ")[0]: json.loads(body)
        for body, headers in zip(posted.bodies, posted.headers, strict=True)
    }
    assert told["Bearer"]["title"] == told["Basic"]["fields"]["summary"] == "ana was denied a command on orders"
    assert "CREATE TABLE a" in told["Bearer"]["body"]
    assert [letter["Subject"] for letter in box.letters] == ["ana was denied a command on orders"]
    assert [headers.get("User-Agent") for headers in posted.headers].count("sallyport") == 1
