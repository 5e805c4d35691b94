"""A letter goes to a real mail server: under TLS or on this machine, with a name of its own, and no header of an attacker."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from gateway.audit.export.events import Event, SinkFailed
from gateway.notices.letters import MailServer, MailSink, letter
from gateway.notices.messages import event_of
from tests.certificates import Authority
from tests.mail import Mailbox, mail_server
from tests.strategies.notices import DENIED, line, told

SENDER = "gate@ops.example"
PASSWORD = "of the " + "mail server"


def near(port: int, **fields: Any) -> MailServer:
    return MailServer(**{"host": "127.0.0.1", "port": port, "is_wrapped": False, "is_near": True, **fields})


def event(**fields: object) -> Event:
    notice = told(line(DENIED, **fields))
    assert notice is not None
    return event_of(notice, letter)


def sink(server: MailServer, *to: str) -> MailSink:
    return MailSink(server, SENDER, to or ("ops@ops.example",), name="mail")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def contexts(authority: Authority, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the certificate that clients trust."""
    issued = authority.issue("mail", "ip:127.0.0.1")
    (folder / "mail.pem").write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem")
    (folder / "ca.pem").write_bytes(authority.pem)
    return context, folder / "ca.pem"


def test_a_letter_says_who_was_denied_what_and_has_a_name_that_stays() -> None:
    box = Mailbox()
    with mail_server(box) as port:
        for _ in range(2):
            sink(near(port), "a@ops.example", "b@ops.example").send([event()])
    first, again = box.letters
    assert first["Subject"] == "ana was denied a command on orders"
    assert (first["From"], first["To"]) == (SENDER, "a@ops.example, b@ops.example")
    assert box.receivers[0] == ["a@ops.example", "b@ops.example"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == again["Message-ID"]
    assert first.get_content_type() == "text/plain"
    text = first.get_content().replace("\r\n", "\n")
    assert "    DROP TABLE a\n" in text
    assert "denied by: p/DROP\n" in text


@pytest.mark.parametrize(
    "name", ["ana\r\nBcc: eve@evil.example", "ana\n\nmy own text", "ánà\u202e", "=?utf-8?q?x?=" * 9]
)
def test_no_name_writes_a_header(name: str) -> None:
    box = Mailbox()
    with mail_server(box) as port:
        sink(near(port)).send([event(principal=name, job=name)])
    (came,) = box.letters
    assert "Bcc" not in came
    assert set(came.keys()) >= {"From", "To", "Subject"}
    assert str(came["Subject"]).endswith("was denied a command on orders")
    assert box.receivers == [["ops@ops.example"]]


def test_it_goes_under_tls_where_the_server_has_it(authority: Authority, tmp_path: Path) -> None:
    context, ca_file = contexts(authority, tmp_path)
    box = Mailbox()
    with mail_server(box, tls_context=context) as port:
        sink(near(port, ca_file=ca_file)).send([event()])
        with pytest.raises(SinkFailed, match="certificate|SSL"):
            sink(near(port)).send([event()])
    assert box.were_secure == [True]


def test_it_does_not_go_far_in_clear() -> None:
    box = Mailbox()
    with mail_server(box) as port, pytest.raises(SinkFailed, match="offers no TLS"):
        sink(near(port, is_near=False)).send([event()])
    assert box.letters == []


def test_it_signs_in_where_it_has_to_and_tells_no_password(authority: Authority, tmp_path: Path) -> None:
    context, ca_file = contexts(authority, tmp_path)

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=is_right, handled=False)

    box = Mailbox()
    with mail_server(box, tls_context=context, authenticator=check, auth_require_tls=True) as port:
        known = near(port, ca_file=ca_file, user="gate", password=PASSWORD)
        sink(known).send([event()])
        wrong = near(port, ca_file=ca_file, user="gate", password="another " + PASSWORD)
        with pytest.raises(SinkFailed) as caught:
            sink(wrong).send([event()])
    assert len(box.letters) == 1
    assert str(caught.value) == "mail: status 535"
    assert not caught.value.is_final
    assert PASSWORD not in repr(known)


@pytest.mark.parametrize(("answer", "is_final"), [("451 later", False), ("554 never", True)])
def test_what_the_server_will_never_take_is_told_apart(answer: str, is_final: bool) -> None:
    with mail_server(Mailbox(answer=answer)) as port, pytest.raises(SinkFailed) as caught:
        sink(near(port)).send([event()])
    assert caught.value.is_final == is_final
    assert str(caught.value) == f"mail: status {answer[:3]}"


def test_a_receiver_nobody_knows_costs_the_others_nothing() -> None:
    box = Mailbox(unknown=frozenset({"gone@ops.example"}))
    with mail_server(box) as port:
        sink(near(port), "gone@ops.example", "b@ops.example").send([event()])
        with pytest.raises(SinkFailed, match="no receiver was taken") as caught:
            sink(near(port), "gone@ops.example").send([event()])
    assert box.receivers == [["b@ops.example"]]
    assert caught.value.is_final


def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SinkFailed, match="mail: Connection refused") as caught:
            sink(near(taken.getsockname()[1])).send([event()])
    assert not caught.value.is_final
