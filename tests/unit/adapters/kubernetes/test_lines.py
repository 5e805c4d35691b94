"""A text of a guarded shell on its way: told from its state, masked, counted."""

from __future__ import annotations

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.kubernetes.channels import message
from adapters.kubernetes.lines import Over, PodLine, Shown, Way
from adapters.web.requests import Forward
from adapters.web.session.doing import Doing
from adapters.web.websocket import frames as websockets
from engine.masking.output import ValueMask
from engine.masking.transforms import Method
from tests.strategies.kubernetes_pods import argv_in, ended
from tests.strategies.kubernetes_sessions import EXEC

WAY = Way(Forward("GET", EXEC, "k:6443", ()), Target("k", 6443, "", tls=False), (), "/bin/bash", b"seed")
MAILS = ValueMask(frozenset({"pii.email"}), Method.REDACT, {})


class Line:
    """A line that the API server switched for."""

    def __init__(self, *masks: ValueMask, decision_id: str = "d-1") -> None:
        self.doing = Doing()
        self.doing.begin(0.0)
        self.line = PodLine(self.doing, WAY, "echo 'a b'", decision_id, masks)
        self.line.handle(saw.UpstreamOpened(tls=False))
        sent = next(one.data for one in self.doing.effects if isinstance(one, do.Send))
        self.argv = argv_in(sent)
        self.nonce = self.argv[5].partition("printf '\\0")[2].partition("\\0")[0].encode()
        key = sent.partition(b"sec-websocket-key: ")[2].partition(b"\r\n")[0].decode()
        head = f"HTTP/1.1 101 x\r\nsec-websocket-accept: {websockets.accept_of(key)}\r\nsec-websocket-protocol: v5.channel.k8s.io"
        self.hear(head.encode() + b"\r\n\r\n")

    def hear(self, data: bytes) -> list[Shown | Over]:
        return self.line.handle(saw.BytesReceived(Side.UPSTREAM, data))

    def state(self) -> bytes:
        mark = b"\0" + self.nonce + b"\0"
        return message(1, mark + b"3\0/srv\0" + mark)


def test_a_text_is_an_argument_and_its_mark_nobodys_guess() -> None:
    one, same, other = Line(), Line(), Line(decision_id="d-2")
    assert one.argv[:5] == ["/bin/bash", "--noprofile", "--norc", "-p", "-c"]
    assert one.argv[6:] == ["/bin/bash", "echo 'a b'"]
    assert one.nonce == same.nonce != other.nonce
    assert len(one.nonce) == 33


def test_its_state_is_not_shown_and_counts_for_nothing() -> None:
    line = Line()
    assert line.hear(message(1, b"out") + message(2, b"err")) == [Shown(b"out"), Shown(b"err")]
    assert line.hear(line.state()) == []
    assert line.hear(message(3, ended(3))) == [Over(3, [b"3", b"/srv", b""], "EXIT_3")]
    line.line.record("EXIT_3")
    (kept,) = [one for one in line.doing.effects if isinstance(one, do.Record)]
    assert (kept.decision_id, kept.outcome.bytes, kept.outcome.error) == ("d-1", 6, "EXIT_3")


def test_a_line_without_a_state_has_none() -> None:
    line = Line()
    assert line.hear(message(1, b"\0" + line.nonce) + message(3, ended(0))) == [
        Shown(b"\0" + line.nonce),
        Over(0, None, None),
    ]


def test_values_are_hidden_wherever_messages_end_and_what_waits_is_shown_after_a_while() -> None:
    line = Line(MAILS)
    shown = line.hear(message(1, b"to ann@exam") + message(1, b"ple.org now")) + line.hear(message(3, ended(0)))
    text = b"".join(one.data for one in shown if isinstance(one, Shown))
    assert text == b"to [redacted] now"
    line.line.record(None)
    assert [one.outcome.masked for one in line.doing.effects if isinstance(one, do.Record)] == [1]
    line = Line(MAILS)
    assert line.line.time_passed() == []


def test_what_is_no_text_ends_it() -> None:
    line = Line(MAILS)
    *_, said, over = line.hear(message(1, b"\xff\xfe\0"))
    assert isinstance(said, Shown)
    assert b"no text" in said.data
    assert over == Over(255, None, "NOT_TEXT")
    assert any(isinstance(one, do.CloseUpstream) for one in line.doing.effects)


def test_words_of_the_target_are_told_where_nobody_knows_how_it_ended() -> None:
    line = Line()
    said, over = line.line.handle(saw.EndReceived(Side.UPSTREAM))
    assert said == Shown(b"sallyport: the target: the connection was lost\n")
    assert over == Over(255, None, "TARGET_LOST")
