"""What the scanner finds, how types are chosen, and what JSON lines get."""

from __future__ import annotations

import json

import pytest

from engine.errors import InputInvalid
from engine.masking import patterns

KEY = "AKI" + "A" + "Q3EGR7XZT5WLM2NB"
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def found(text: str) -> list[tuple[str, str]]:
    return [(one.type, text[one.start : one.end]) for one in patterns.scan(text).findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {KEY}.", [("secret.aws_access_key", KEY)]),
        (f'{{"token": "{TOKEN}"}}', [("secret.github_token", TOKEN)]),
        ("password = 'hunter2!'", [("secret.password", "hunter2!")]),
        ("mail ann@example.org now", [("pii.email", "ann@example.org")]),
        ("card 4111 1111 1111 1111", [("pii.credit_card", "4111 1111 1111 1111")]),
        ("DE89 3704 0044 0532 0130 00", [("pii.iban", "DE89 3704 0044 0532 0130 00")]),
        ("from 203.0.113.9 port 22", [("pii.ip_address", "203.0.113.9")]),
        ("SSN 536-90-4399", [("pii.us_ssn", "536-90-4399")]),
        ("call +41 44 668 18 00", [("pii.phone", "+41 44 668 18 00")]),
        ("born 24.12.1980", [("pii.date_of_birth", "24.12.1980")]),
    ],
)
def test_each_kind_of_value_is_found_where_it_stands(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "password = os.environ['DB_PASSWORD']",
        "password: ${DB_PASSWORD}",
        "token = get_token(request)",
        "version 1.2.3.4.5",
        "on 2026-11-28 10:15:00",
        "commit 3b335d612137949d2f21fcc6c8c8164db7603227",
        "std::vector",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_places_count_characters_and_the_rest_of_the_text_is_kept() -> None:
    text = f"né à 東京 \udcff {KEY} ü"
    scanned = patterns.scan(text)
    (one,) = scanned.findings
    assert text[one.start : one.end] == KEY
    assert scanned.masked == text.replace(KEY, "[secret.aws_access_key]")


def test_the_more_specific_of_two_findings_wins() -> None:
    assert found(f"api_key={KEY}") == [("secret.aws_access_key", KEY)]


def test_types_are_chosen_by_globs() -> None:
    assert set(patterns.chosen(["secret.*", "pii.email"])) == {
        name for name in patterns.types() if name.startswith("secret.") or name == "pii.email"
    }
    assert patterns.chosen(["*.email"]) == ("pii.email",)
    with pytest.raises(InputInvalid):
        patterns.chosen(["pii.emial"])


def test_detecting_tells_the_types_that_scanning_finds() -> None:
    text = f"a@example.org {KEY} 4111 1111 1111 1111"
    assert patterns.detect(text.encode()) == {one.type for one in patterns.scan(text).findings}


def test_kept_texts_lose_their_secrets_and_keep_the_rest() -> None:
    assert patterns.hide_secrets(f"SELECT '{KEY}', 'ann@example.org'") == "SELECT '[redacted]', 'ann@example.org'"


def test_a_text_in_pieces_has_the_findings_of_the_whole() -> None:
    text = f"a@example.org {KEY} tail".encode()
    pieces = patterns.Pieces()
    got = [one for byte in text for one in pieces.push(bytes([byte]))] + pieces.finish()
    assert [(one.start, one.end, one.type) for one in got] == [
        (one.start, one.end, one.type) for one in patterns.scan(text.decode()).findings
    ]


def test_there_are_many_detectors_and_each_says_what_it_is() -> None:
    assert len(patterns.detectors()) >= 120
    assert all(row.title and row.shape and row.type in patterns.types() for row in patterns.detectors())


def test_lines_are_answered_one_for_one_whatever_they_are() -> None:
    lines = ['{"id": 1, "text": "x ann@example.org"}', "garbage", "[]", b"\xff", '{"id": [2]}', '{"id": 3, "text": 4}']
    answers = [json.loads(line) for line in patterns.scan_lines(lines)]
    assert answers[0] == {
        "id": 1,
        "spans": [{"start": 2, "end": 17, "type": "pii.email"}],
        "masked": "x [pii.email]",
    }
    assert [answer["id"] for answer in answers] == [1, None, None, None, [2], 3]
    assert [answer.get("error", {}).get("code") for answer in answers[1:]] == ["INPUT_INVALID"] * 5
