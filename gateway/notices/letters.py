"""A notice as a letter: written in plain text, given to a mail server. Called by `gateway.app` and the exporter."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import msgspec

from gateway.audit.export.events import Event, SinkFailed
from gateway.notices.picking import Notice
from gateway.notices.words import command_of, facts_of, title_of
from gateway.telemetry import logger

TIMEOUT = 30.0
MAX_BODY = 64 << 10


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are given. `is_wrapped`: TLS from the first byte (`smtps`); else STARTTLS, which only a `is_near` server (on
    this machine) may go without. `user` and `password` are both empty for one that asks for none."""

    host: str
    port: int
    is_wrapped: bool
    is_near: bool
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None


def letter(notice: Notice) -> Mapping[str, object]:
    """Subject and text; a `Write` of `messages`."""
    command = command_of(notice)
    lines = [title_of(notice) + ".", ""]
    if command:
        lines += [*(f"    {line}" for line in command.split("\n")), ""]
    lines += [f"{name}: {' '.join(value.split())}" for name, value in facts_of(notice)]
    lines += [f"notice: {notice.uid}"]
    return {"subject": title_of(notice), "text": "\n".join(lines) + "\n"}


class MailSink:
    """One sender, some receivers, one server; a connection for each letter."""

    max_body = MAX_BODY
    max_events = 1

    def __init__(self, server: MailServer, sender: str, to: Sequence[str], *, name: str) -> None:
        """`sender` and `to` are bare addresses; `name` stands for the server wherever it is told."""
        self._server = server
        self._sender = sender
        self._to = tuple(to)
        self._name = name

    def send(self, events: Sequence[Event]) -> None:
        """As `Sink.send`."""
        for event in events:
            self._deliver(self._message(event))

    def close(self) -> None:
        """As `Sink.close`: nothing is kept."""

    def _message(self, event: Event) -> EmailMessage:
        written = msgspec.json.decode(event.body, type=dict[str, str])
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Subject"] = written["subject"]
        message["Date"] = format_datetime(datetime.fromtimestamp(event.time // 1_000_000_000, UTC))
        # A letter that comes a second time has the same name: mail programs show it once.
        name = hashlib.sha256(event.uid.encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{name}@{self._sender.rpartition('@')[2]}>"
        # RFC 3834: nobody's holiday message answers it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(written["text"])
        return message

    def _deliver(self, message: EmailMessage) -> None:
        try:
            server = self._connected()
            try:
                refused = server.send_message(message)
            finally:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise SinkFailed(f"{self._name}: no receiver was taken ({codes[0]})", is_final=min(codes) >= 500) from error
        except smtplib.SMTPDataError as error:
            raise SinkFailed(f"{self._name}: status {error.smtp_code}", is_final=error.smtp_code >= 500) from error
        except smtplib.SMTPNotSupportedError as error:
            raise SinkFailed(f"{self._name}: the server offers no TLS, or no way to sign in") from error
        except smtplib.SMTPResponseException as error:
            # WHY not the server's words: they may repeat what it was sent.
            raise SinkFailed(f"{self._name}: status {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            told = getattr(error, "strerror", None) or type(error).__name__
            raise SinkFailed(f"{self._name}: {told}") from error
        for address, (code, _) in refused.items():
            logger("export").warning("a receiver was not taken", export=self._name, address=address, status=code)

    def _connected(self) -> smtplib.SMTP:
        place = self._server
        context = ssl.create_default_context(cafile=place.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if place.is_wrapped:
            server: smtplib.SMTP = smtplib.SMTP_SSL(place.host, place.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(place.host, place.port, timeout=TIMEOUT)
        try:
            if not place.is_wrapped:
                server.ehlo_or_helo_if_needed()
                # INVARIANT: people's commands leave this machine under TLS, or not at all.
                if server.has_extn("starttls") or not place.is_near:
                    server.starttls(context=context)
            if place.user:
                server.login(place.user, place.password)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server
