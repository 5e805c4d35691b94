"""A filled form is the line that the entry itself would be."""

from __future__ import annotations

import pytest

from adapters.core.ports import Outcome, Question
from engine.evaluator.cache import Judgement
from gateway.audit.entry import Kind, decode, encode, numbered
from gateway.errors import AuditUnavailable
from gateway.forms import fill, form_of, outcome_body
from gateway.telling import decision_entry
from tests.strategies.gates import ALLOW, asked, parse

TEXT = 'SELECT "ü" -- 1'


def entry_of(text: str, **fields: object) -> bytes:
    judged = Judgement(ALLOW, parse(TEXT.encode()), exact=text == TEXT)
    return encode(decision_entry(asked(text, **fields), ALLOW, judged, "d-1", 9, None), 3)


@pytest.mark.parametrize("parameters", [None, (), ("1", None)])
def test_a_form_of_a_text_is_its_entry(parameters: tuple[str | None, ...] | None) -> None:
    judged = Judgement(ALLOW, parse(TEXT.encode()))
    form = form_of(decision_entry(asked(TEXT), ALLOW, judged, "d-0", 0, None), is_whole=True, hides=True)
    question = Question("postgres", TEXT.encode(), parameters=parameters)
    assert numbered(fill(form, question, "d-1", 9), 3) == entry_of(TEXT, parameters=parameters)


def test_a_form_of_a_shape_takes_text_and_digest_from_the_question() -> None:
    judged = Judgement(ALLOW, parse(TEXT.encode()), exact=False)
    form = form_of(decision_entry(asked(TEXT), ALLOW, judged, "d-0", 0, None), is_whole=False, hides=True)
    other = 'SELECT "ü" -- 2'
    assert numbered(fill(form, Question("postgres", other.encode()), "d-1", 9), 3) == entry_of(other)


def test_a_form_of_a_shape_says_of_each_text_whether_something_was_hidden() -> None:
    token = "gh" + "p_" + "Zk3vN9qLx2TbW8yRm4Jp7Hs1Dc6Fg5Ae0UoB"
    judged = Judgement(ALLOW, parse(TEXT.encode()), exact=False)
    for first in (token, "1"):
        form = form_of(decision_entry(asked(first), ALLOW, judged, "d-0", 0, None), is_whole=False, hides=True)
        for text in (token, "2"):
            filled = numbered(fill(form, Question("postgres", text.encode()), "d-1", 9), 3)
            assert filled == entry_of(text)
            assert decode(filled).redacted == (text == token)


def test_what_is_too_long_for_a_line_is_refused() -> None:
    judged = Judgement(ALLOW, parse(TEXT.encode()), exact=False)
    form = form_of(decision_entry(asked(TEXT), ALLOW, judged, "d-0", 0, None), is_whole=False, hides=True)
    with pytest.raises(AuditUnavailable, match="too long"):
        fill(form, Question("postgres", b"x" * (5 << 20)), "d-1", 9)


def test_an_outcome_is_told_with_its_error() -> None:
    entry = decode(numbered(outcome_body("d-1", Outcome(1, 2, 0.5, '"'), 9), 3))
    assert (entry.kind, entry.rows, entry.bytes, entry.duration, entry.error) == (Kind.OUTCOME, 1, 2, 0.5, '"')
