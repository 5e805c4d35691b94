"""What is asked of a connection between two sessions, and which answers are good."""

from __future__ import annotations

import pytest

from adapters.core.ports import Target
from adapters.errors import PeerProtocolError
from adapters.postgres.session.pooled import (
    WASHES,
    Answers,
    Estate,
    Pooling,
    encode_wash,
    encode_who,
    is_as_before,
    is_superusers,
    pooling_of,
    why_unfit,
    with_news,
)
from tests.wire import TARGET, described, error, fields, kinds, message, ready, row, split, tag

WHO = ("app", "app", "16384,f,t", "0/16384/{work_mem=5MB}", "5,t,t", "0")
CELLS = tuple(cell.encode() for cell in WHO)
ESTATE = Estate(b"\0\0\x1a\x85key!", {"server_version": "15.20", "is_superuser": "off"}, CELLS)


def answer(*cells: str | None) -> bytes:
    return described("a") + row(*cells) + tag("SELECT 1") + ready()


def washed(who: tuple[str | None, ...] = WHO, rest: tuple[str | None, ...] = ("0", "0", None)) -> bytes:
    return tag("DISCARD ALL") + ready() + answer("") + answer(*who) + answer(*rest)


def read(data: bytes, count: int = WASHES) -> Answers:
    answers = Answers(count)
    assert answers.feed(data)
    return answers


def byte_by_byte(answers: Answers, said: bytes) -> list[bool]:
    return [answers.feed(said[at : at + 1]) for at in range(len(said))]


def test_a_clean_connection_may_serve_on() -> None:
    assert why_unfit(ESTATE, read(washed())) is None
    libraries = "$libdir/hstore $libdir/utf8_and_win $libdir/plpgsql pgcrypto.so"
    assert why_unfit(ESTATE, read(washed(rest=("0", "0", libraries)))) is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (washed(who=("app", "other", *WHO[2:])), "changed"),
        (washed(who=("app", "app", None, *WHO[3:])), "changed"),
        (washed(who=(*WHO[:4], "5,t,f", "0")), "changed"),
        (washed(who=WHO[:3]), "changed"),
        (washed(who=(*WHO[:3], "0/16384/{work_mem=6MB}", *WHO[4:])), "changed"),
        (washed(rest=("16385", "0", None)), "left"),
        (washed(rest=("0", "1", None)), "left"),
        (washed(rest=("0", "0")), "left"),
        (tag("DISCARD ALL") + ready() + answer("") + answer(*WHO) + tag("SELECT 1") + ready(), "left"),
        (tag("DISCARD ALL") + ready() + answer("") + answer(*WHO) + tag("SELECT 0") + ready(), "unanswered"),
        (tag("DISCARD TEMP") + washed()[len(tag("DISCARD ALL")) :], "unanswered"),
        (row("") + washed(), "unanswered"),
        (
            tag("DISCARD ALL") + ready() + tag("SELECT 1") + ready() + answer(*WHO) + answer("0", "0", None),
            "unanswered",
        ),
        (washed(rest=("0", "0", "$libdir/hstore $libdir/dblink")), "library"),
        (washed(rest=("0", "0", "/tmp/hstore.so")), "library"),
        (washed(rest=("0", "0", "plperl.so")), "library"),
        (washed(rest=("0", "0", "$libdir/../hstore")), "library"),
    ],
)
def test_what_is_not_as_it_was_makes_it_unfit(said: bytes, why: str) -> None:
    assert why_unfit(ESTATE, read(said)) == why
    assert why_unfit(ESTATE, Answers(WASHES)) == "unanswered"


def test_where_a_trigger_runs_at_login_nobody_shares() -> None:
    who = (*WHO[:5], "1")
    estate = Estate(b"", {}, tuple(cell.encode() for cell in who))
    assert why_unfit(estate, read(washed(who=who))) == "login trigger"


@pytest.mark.parametrize(
    "said",
    [
        error("25001") + ready(),
        tag("DISCARD ALL") + ready("T"),
        ready(),
        tag("DISCARD ALL") + tag("DISCARD ALL"),
        described("a") + row("1") + row("2"),
        fields("N", S="NOTICE", C="00000", M="hear"),
        message("A", b"\0\0\0\1news\0for the last one\0"),
        message("G", b"\0\0\0"),
        washed() + message("S", b"TimeZone\0UTC\0"),
        b"C\0\0\0\2",
        b"C\x7f\xff\xff\xff",
        message("S", b"standard_conforming_strings\0off\0"),
        message("S", b"client_encoding\0LATIN1\0"),
        message("D", b"\0"),
    ],
)
def test_what_was_not_expected_is_refused(said: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        Answers(WASHES).feed(said)
    with pytest.raises(PeerProtocolError):
        byte_by_byte(Answers(WASHES), said)


def test_answers_may_come_in_pieces_and_report_settings() -> None:
    said = tag("DISCARD ALL") + message("S", b"TimeZone\0UTC\0") + washed()[len(tag("DISCARD ALL")) :]
    answers = Answers(WASHES)
    assert byte_by_byte(answers, said) == [False] * (len(said) - 1) + [True]
    assert with_news(ESTATE, answers).statuses == {**ESTATE.statuses, "TimeZone": "UTC"}
    assert with_news(ESTATE, read(washed())) is ESTATE
    with pytest.raises(PeerProtocolError):
        answers.feed(b"Z")


def test_a_connection_to_be_taken_is_as_before_or_not() -> None:
    assert kinds(encode_who()) == "Q"
    assert is_as_before(ESTATE, read(answer(*WHO), 1))
    assert not is_as_before(ESTATE, read(answer("app", "app", "16384,f,f", *WHO[3:]), 1))
    assert not is_as_before(ESTATE, read(tag("SELECT 0") + ready(), 1))


def test_the_wash_asks_in_words_that_the_server_knows() -> None:
    for version, words in (("15.20 (Debian)", b"probin"), ("18.6", b"pg_get_loaded_modules"), ("", b"probin")):
        sent = encode_wash({"server_version": version}, 0.25)
        assert kinds(sent) == "Q" * WASHES
        texts = [body for _, body in split(sent)]
        assert (texts[0], texts[1]) == (b"DISCARD ALL\0", b"SELECT pg_catalog.setseed(0.25000000000000000)\0")
        assert words in texts[3]
    assert b"setseed(-1.0" in encode_wash({}, -7.0)


def test_a_superuser_is_who_is_not_said_to_be_none() -> None:
    assert [is_superusers(said) for said in ({"is_superuser": "off"}, {"is_superuser": "on"}, {})] == [
        False,
        True,
        True,
    ]


def test_a_target_has_the_pool_that_its_configuration_says() -> None:
    assert pooling_of(None) is pooling_of(TARGET) is None
    assert pooling_of(Target("db", 5432, "app", own=Pooling(3))) == Pooling(3)


def test_an_estate_names_its_backend_and_keeps_its_key_to_itself() -> None:
    assert ESTATE.backend == 6789
    assert "key!" not in repr(ESTATE)
