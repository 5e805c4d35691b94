"""Masks of the types of PostgreSQL that are no characters: what they keep, and what is NULL."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from ipaddress import ip_interface, ip_network
from pathlib import Path

import pytest

from engine.masking.transforms import Method
from engine.masking.typed import CHARACTERS, DOCUMENTS, holds, number_class, number_token, rewrite_cell

KEY = b"k" * 16
KEYED = (Method.HASH, Method.TOKENIZE)


def token(type_name: str, value: str, method: Method = Method.TOKENIZE) -> str | None:
    return rewrite_cell(type_name, method, value, {"key": "k"}, KEY)


@pytest.mark.parametrize("value", ["1234567", "-7654321", "2147483647", "-2147483648", "999999999"])
def test_a_whole_number_keeps_sign_and_digits_and_its_type(value: str) -> None:
    made = token("int4", value)
    assert made is not None
    assert made != value
    assert (made[0] == "-", len(made)) == (value[0] == "-", len(value))
    assert -(2**31) <= int(made) < 2**31
    hashed = token("int4", value, Method.HASH)
    assert hashed is not None
    assert -(2**31) <= int(hashed) < 2**31


def test_small_numbers_share_a_million_and_zero_is_not_below_zero() -> None:
    assert number_class(0, is_negative=False) == number_class(999_999, is_negative=False) == (0, 999_999)
    assert number_class(1, is_negative=True) == number_class(1_000_000, is_negative=True) == (1, 1_000_000)
    assert number_class(1_000_001, is_negative=True) == (1_000_001, 9_999_999)
    assert number_class(1_000_000, is_negative=False) == (1_000_000, 9_999_999)
    tokens = {token("int8", str(value)) for value in range(-300, 300)}
    assert len(tokens) == 600


def test_numbers_join_across_their_types_where_their_classes_are_equal() -> None:
    assert token("int4", "1234567") == token("int8", "1234567") == token("numeric", "1234567")
    assert token("int4", "2000000000") != token("int8", "2000000000")


def test_a_numeric_keeps_sign_scale_and_many_digits() -> None:
    for value in ("-1234567.89", "99999.999", "9" * 60):
        made = token("numeric", value)
        assert made is not None
        assert (made[0] == "-", len(made), made.find(".")) == (value[0] == "-", len(value), value.find("."))
    small = token("numeric", "0.50")
    assert small is not None
    assert Decimal(small).as_tuple().exponent == -2
    assert token("numeric", "1.50", Method.HASH) == token("numeric", "1.5", Method.HASH)
    assert token("numeric", "NaN") is None
    assert token("numeric", "NaN", Method.HASH) is not None
    assert number_token("-0", KEY, "") is None
    assert number_token("1e5", KEY, "") is None


def test_a_uuid_keeps_its_version_or_has_the_eighth() -> None:
    for number in (1, 4, 7):
        value = uuid.UUID(int=0x12345678123456781234567812345678 & ~(0xF << 76) & ~(3 << 62) | number << 76 | 2 << 62)
        made = token("uuid", str(value))
        hashed = token("uuid", str(value), Method.HASH)
        assert made is not None
        assert hashed is not None
        assert uuid.UUID(made).version == number
        assert uuid.UUID(made) != value
        assert hashed[14] == "8"


@pytest.mark.parametrize("method", KEYED)
def test_dates_and_moments_are_of_the_years_of_clients(method: Method) -> None:
    made = token("date", "2026-11-29", method)
    assert made is not None
    assert date.fromisoformat(made)
    moment = token("timestamp", "2026-11-29 12:00:00.25", method)
    assert moment is not None
    assert datetime.fromisoformat(moment).tzinfo is None
    one, other = (
        token("timestamptz", "2026-11-29 12:00:00+00", method),
        token("timestamptz", "2026-11-29 17:30:00+05:30", method),
    )
    assert one == other
    for type_name, value in (("date", "infinity"), ("date", "0044-03-15 BC"), ("timestamp", "29.11.2026 12:00:00")):
        assert token(type_name, value, method) is None


def test_bytes_stay_as_many_or_become_32() -> None:
    made = token("bytea", "\\x0001020304")
    assert made is not None
    assert len(made) == 12
    for value in ("\\x", "\\x0102", "\\x" + "00" * 513):
        widened = token("bytea", value)
        assert widened is not None
        assert len(widened) == 66
    assert token("bytea", "\\x00", Method.HASH) != token("bytea", "\\x01", Method.HASH)


def test_addresses_keep_family_and_prefix() -> None:
    for value in ("10.1.2.3", "10.1.2.3/24", "2001:db8::1/64"):
        made = token("inet", value)
        assert made is not None
        assert ip_interface(made).version == ip_interface(value).version
        assert ip_interface(made).network.prefixlen == ip_interface(value).network.prefixlen
    network = token("cidr", "10.1.2.0/24")
    assert network is not None
    assert ip_network(network).prefixlen == 24
    assert token("cidr", "10.0.0.0/8") is None
    for value in ("08:00:2b:01:02:03", "08:00:2b:01:02:03:04:05"):
        made = token("macaddr", value)
        assert made is not None
        assert made != value
        assert len(made) == len(value)


@pytest.mark.parametrize("method", list(Method))
def test_what_a_type_cannot_hold_is_null(method: Method) -> None:
    for type_name in ("int2", "bool", "float8", "int8range", "mood", "interval"):
        assert not holds(type_name, method)
        assert rewrite_cell(type_name, method, "1", {}, KEY) is None
    assert holds("uuid[]", method) == (method in KEYED)
    assert holds("text", method) == (method not in (Method.DROP, Method.NULL))
    assert rewrite_cell("int4", method, None, {}, KEY) is None


def test_the_page_says_what_a_type_can_hold() -> None:
    page = (Path(__file__).parents[4] / "docs/masks.md").read_text(encoding="utf-8")
    rows = [
        line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `") and line.count("|") == 6
    ]
    said: set[str] = set()
    for names, *cells in rows:
        for type_name in names.strip("`").split("` `"):
            said.add(type_name)
            methods = (Method.REDACT, Method.PARTIAL, Method.HASH, Method.TOKENIZE)
            for method, cell in zip(methods, cells, strict=True):
                assert holds(type_name, method) == (not cell.startswith("NULL")), (type_name, method)
    assert said >= CHARACTERS | DOCUMENTS | {
        "int4",
        "int8",
        "numeric",
        "uuid",
        "bytea",
        "inet",
        "cidr",
        "macaddr8",
        "int2",
    }


def test_characters_and_documents_are_left_to_their_own() -> None:
    assert rewrite_cell("text", Method.REDACT, "a", {}, KEY) == "[redacted]"
    assert rewrite_cell("jsonb", Method.REDACT, "{}", {}, KEY) == '"[redacted]"'
