"""A real server of SMTP for tests, that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from gateway.demo.cluster import free_port


@dataclass
class Mailbox:
    """A mail server's handler: what came, and what it answers."""

    letters: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    were_secure: list[bool] = field(default_factory=list)
    answer: str = "250 taken"
    unknown: frozenset[str] = frozenset()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.unknown:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            made = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(made, EmailMessage)
            self.letters.append(made)
            self.receivers.append(envelope.rcpt_tos)
            self.were_secure.append(session.ssl is not None)
        return self.answer


@contextmanager
def mail_server(box: Mailbox, **how: Any) -> Iterator[int]:
    """A real server of SMTP on a free port."""
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, server_hostname="mail.test", **how)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
