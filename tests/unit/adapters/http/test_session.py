"""What is particular to plain HTTP."""

from __future__ import annotations

from adapters.core.ports import Answer, Target
from adapters.http.session import HttpManners, http_session
from adapters.web import facts
from adapters.web.session.manners import Caller, Plan, Unfit
from adapters.web.session.settings import Settings
from engine.command.http.target import read_target
from engine.command.http.wire import read_head
from engine.decision import Decision, MaskItem, Verdict

TARGET = Target("127.0.0.1", 8080, "", "s" * 20, tls=False)
ANA = Caller("ana", ("viewers",))


def test_the_target_gets_the_credential_beside_what_was_judged_and_nothing_of_who_asks() -> None:
    manners = HttpManners()
    head = read_head(b"GET /a HTTP/1.1\r\nhost: shop")
    forward = manners.forward(head, read_target(head), TARGET, ANA)
    assert manners.sent_beside(TARGET, ANA) == facts.credential(TARGET)
    assert "ana" not in str(forward)
    assert manners.patience(forward, 5.0) == 5.0


def test_masks_that_cannot_be_carried_out_stop_the_request() -> None:
    manners = HttpManners()
    head = read_head(b"GET /a HTTP/1.1\r\nhost: shop")
    forward = manners.forward(head, read_target(head), TARGET, ANA)
    assert manners.plan(forward, Answer(Decision(Verdict.ALLOW, None), "d-1")) == Plan(None)
    item = MaskItem(output=1, path=None, origins=(), method="redact", params={}, rules=())
    stopped = manners.plan(forward, Answer(Decision(Verdict.MASK, None, mask_plan=(item,)), "d-1"))
    assert isinstance(stopped, Unfit)
    assert stopped.code == "MASK_UNPROVEN"


def test_each_connection_has_a_session_of_its_own() -> None:
    assert http_session(Settings()) is not http_session(Settings())
