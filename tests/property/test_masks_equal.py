"""The core and Python make the same of every value, of every family, in text and in binary."""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine._native import RowMasker
from engine.masking.classes import RANGES, members
from engine.masking.transforms import Method
from engine.masking.typed import holds, rewrite_cell

KEY = b"a key of sixteen"
OIDS = {
    "text": 25,
    "varchar": 1043,
    "bpchar": 1042,
    "name": 19,
    "json": 114,
    "jsonb": 3802,
    "int2": 21,
    "int4": 23,
    "int8": 20,
    "numeric": 1700,
    "uuid": 2950,
    "date": 1082,
    "timestamp": 1114,
    "timestamptz": 1184,
    "bytea": 17,
    "inet": 869,
    "cidr": 650,
    "macaddr": 829,
    "macaddr8": 774,
    "bool": 16,
    "float8": 701,
    "int8range": 3926,
}
EPOCH = datetime.datetime.fromisoformat("2000-01-01")
LETTERS = "".join(members(number) for number in sorted({one for one, *_ in RANGES}))
CHARACTERS = st.one_of(
    st.sampled_from("0123456789abcXYZ -.@"),
    st.sampled_from(LETTERS),
    st.characters(codec="utf-8", exclude_characters="\0"),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.from_regex(r"\A[0-9]{4}([ -]?[0-9]{4}){3}\Z"),
    st.text("0123456789aB", min_size=30, max_size=300),
)
PARAMS = st.fixed_dictionaries(
    {}, optional={"keep_first": st.integers(0, 7), "keep_last": st.integers(0, 5), "check": st.just("luhn"), "tweak": st.sampled_from(["t", "cards"])}
)  # fmt: skip


def masked(type_name: str, method: Method, cell: bytes, params: dict[str, object], *, binary: bool) -> bytes | None:
    """What the core makes of one cell."""
    column = {"method": method.value, "params": params, "type_oid": OIDS[type_name], "format": int(binary)}
    masker = RowMasker(msgspec.msgpack.encode([column]))
    made = masker.mask(struct.pack("!cihi", b"D", 10 + len(cell), 1, len(cell)) + cell)
    (length,) = struct.unpack_from("!i", made, 7)
    return None if length < 0 else made[11:]


def agree(type_name: str, method: Method, value: str, params: dict[str, object], decode: Callable[[bytes], str] | None = None, cell: bytes | None = None) -> None:  # fmt: skip
    takes = {"key": KEY, **params} if method in (Method.HASH, Method.TOKENIZE) else dict(params)
    if method is not Method.TOKENIZE:
        takes.pop("tweak", None)
        takes.pop("check", None)
    told = {name: "k" if name == "key" else each for name, each in takes.items()}
    expected = rewrite_cell(type_name, method, value, told, KEY)  # type: ignore[arg-type]  # texts, numbers, truth
    made = masked(type_name, method, value.encode(), takes, binary=False)
    assert made == (None if expected is None else expected.encode())
    if cell is not None and decode is not None:
        raw = masked(type_name, method, cell, takes, binary=True)
        assert (None if raw is None else decode(raw)) == expected


keyed = st.sampled_from([Method.HASH, Method.TOKENIZE])
methods = st.sampled_from(list(Method))


@given(TEXTS, methods, PARAMS, st.sampled_from(["text", "varchar", "bpchar", "name"]))
@example("4111 1111 1111 1111", Method.TOKENIZE, {"keep_first": 6, "check": "luhn"}, "text")
@example("x" * 512, Method.TOKENIZE, {}, "text")
@example("x1" * 257, Method.TOKENIZE, {}, "text")
def test_texts(value: str, method: Method, params: dict[str, object], type_name: str) -> None:
    agree(type_name, method, value, params, bytes.decode, value.encode())


@pytest.mark.parametrize("number", sorted({one for one, *_ in RANGES}))
def test_both_count_the_same_members_of_a_class(number: int) -> None:
    for some in (members(number)[:150], members(number)[-150:]):
        agree("text", Method.TOKENIZE, "12345678" + some, {})


@given(
    st.one_of(st.integers(-(2**31), 2**31 - 1), st.sampled_from([0, -1, 10**6, -(10**6), 10**6 - 1, -(10**6) - 1])),
    keyed,
    PARAMS,
)
def test_integers(value: int, method: Method, params: dict[str, object]) -> None:
    agree("int4", method, str(value), params, lambda raw: str(struct.unpack("!i", raw)[0]), struct.pack("!i", value))
    agree("int8", method, str(value), params, lambda raw: str(struct.unpack("!q", raw)[0]), struct.pack("!q", value))


@given(st.integers(-(2**63), 2**63 - 1), keyed)
def test_large_integers(value: int, method: Method) -> None:
    agree("int8", method, str(value), {}, lambda raw: str(struct.unpack("!q", raw)[0]), struct.pack("!q", value))


def numeric_bytes(value: Decimal) -> bytes:
    sign, digits, exponent = value.as_tuple()
    scale = -int(exponent)
    text = "".join(map(str, digits)).rjust(scale + 1, "0")
    whole, part = text[: len(text) - scale], text[len(text) - scale :] if scale else ""
    whole, part = whole.zfill(-(-len(whole) // 4) * 4), part.ljust(-(-len(part) // 4) * 4, "0")
    groups = [int((whole + part)[at : at + 4]) for at in range(0, len(whole + part), 4)]
    weight = len(whole) // 4 - 1
    while groups and groups[0] == 0:
        groups.pop(0)
        weight -= 1
    while groups and groups[-1] == 0:
        groups.pop()
    body = struct.pack("!HhHH", len(groups), weight if groups else 0, 0x4000 if sign and groups else 0, scale)
    return body + b"".join(struct.pack("!H", group) for group in groups)


def numeric_text(raw: bytes) -> str:
    count, weight, sign, scale = struct.unpack_from("!HhHH", raw)
    groups = struct.unpack_from(f"!{count}H", raw, 8)
    unscaled = sum(group * 10_000 ** (count - 1 - at) for at, group in enumerate(groups))
    power = 4 * (weight - count + 1) + scale
    unscaled = unscaled * 10**power if power >= 0 else unscaled // 10**-power
    text = str(unscaled).rjust(scale + 1, "0")
    return f"{'-' if sign else ''}{text[: len(text) - scale]}{'.' + text[len(text) - scale :] if scale else ''}"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**24), max_value=10**24), keyed)
@example(Decimal("0.00"), Method.TOKENIZE)
@example(Decimal("0.0500"), Method.TOKENIZE)
@example(Decimal("-1000000"), Method.TOKENIZE)
def test_numerics(value: Decimal, method: Method) -> None:
    value = value.copy_abs() if value == 0 else value
    agree("numeric", method, f"{value:f}", {}, numeric_text, numeric_bytes(value))


@given(st.from_regex(r"\A-?[1-9][0-9]{30,90}(\.[0-9]{1,20})?\Z"), keyed)
@example("NaN", Method.HASH)
@example("-Infinity", Method.TOKENIZE)
def test_long_numerics(value: str, method: Method) -> None:
    agree("numeric", method, value, {})


@given(st.uuids(), keyed, PARAMS)
def test_uuids(value: uuid.UUID, method: Method, params: dict[str, object]) -> None:
    agree("uuid", method, str(value), params, lambda raw: str(uuid.UUID(bytes=raw)), value.bytes)


@given(st.dates(), keyed)
def test_dates(value: datetime.date, method: Method) -> None:
    days = (value - EPOCH.date()).days
    agree("date", method, value.isoformat(), {}, lambda raw: (EPOCH.date() + datetime.timedelta(struct.unpack("!i", raw)[0])).isoformat(), struct.pack("!i", days))  # fmt: skip


def moment_text(raw: bytes) -> str:
    made = EPOCH + datetime.timedelta(microseconds=struct.unpack("!q", raw)[0])
    return made.isoformat(" ").rstrip("0") if made.microsecond else made.isoformat(" ")


@given(st.datetimes(), keyed, st.sampled_from(["+00", "+05:30", "-08", "+02:30:17"]))
def test_moments(value: datetime.datetime, method: Method, zone: str) -> None:
    micros = (value - EPOCH) // datetime.timedelta(microseconds=1)
    text = value.isoformat(" ").rstrip("0") if value.microsecond else value.isoformat(" ")
    cell = struct.pack("!q", micros)
    agree("timestamp", method, text, {}, moment_text, cell)
    agree("timestamptz", method, f"{text}+00", {}, lambda raw: moment_text(raw) + "+00", cell)
    agree("timestamptz", method, f"{text}{zone}", {})


@given(st.one_of(st.binary(max_size=40), st.binary(min_size=500, max_size=520)), keyed)
def test_bytes(value: bytes, method: Method) -> None:
    agree("bytea", method, "\\x" + value.hex(), {}, lambda raw: "\\x" + raw.hex(), value)


def address_bytes(value: IPv4Interface | IPv6Interface, *, is_network: bool) -> bytes:
    packed = value.packed if not is_network else value.network.network_address.packed
    return bytes((2 if value.version == 4 else 3, value.network.prefixlen, is_network, len(packed))) + packed


def address_text(raw: bytes) -> str:
    packed = raw[4:]
    text = (
        ".".join(map(str, packed))
        if raw[0] == 2
        else ":".join(f"{packed[at] << 8 | packed[at + 1]:x}" for at in range(0, 16, 2))
    )
    return text if raw[1] == 8 * len(packed) and not raw[2] else f"{text}/{raw[1]}"


@given(st.ip_addresses(), st.integers(0, 128), keyed)
def test_addresses(value: object, prefix: int, method: Method) -> None:
    one = ip_interface(f"{value}/{min(prefix, 32 if '.' in str(value) and ':' not in str(value) else 128)}")
    text = str(one.ip) if one.network.prefixlen == one.max_prefixlen else str(one)
    agree("inet", method, text, {}, address_text, address_bytes(one, is_network=False))
    agree("cidr", method, str(one.network), {}, address_text, address_bytes(one, is_network=True))


@given(st.one_of(st.binary(min_size=6, max_size=6), st.binary(min_size=8, max_size=8)), keyed)
def test_mac_addresses(value: bytes, method: Method) -> None:
    agree("macaddr" if len(value) == 6 else "macaddr8", method, value.hex(":"), {}, lambda raw: raw.hex(":"), value)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(VALUES, methods, PARAMS, st.booleans())
def test_documents(value: object, method: Method, params: dict[str, object], ascii_only: bool) -> None:
    import json

    text = json.dumps(value, ensure_ascii=ascii_only)
    agree("json", method, text, params, bytes.decode, text.encode())
    agree("jsonb", method, text, params, lambda raw: raw[1:].decode(), b"\x01" + text.encode())


@pytest.mark.parametrize("type_name", OIDS)
@pytest.mark.parametrize("method", list(Method))
def test_both_say_the_same_of_what_a_type_can_hold(type_name: str, method: Method) -> None:
    values = {
        "uuid": str(uuid.UUID(int=7)),
        "date": "2026-11-29",
        "timestamp": "2026-11-29 01:02:03",
        "bytea": "\\x010203",
    }
    values |= {
        "timestamptz": "2026-11-29 01:02:03+00",
        "inet": "10.0.0.1",
        "cidr": "10.0.0.0/24",
        "macaddr": "08:00:2b:01:02:03",
    }
    values["macaddr8"] = values["macaddr"] + ":04:05"
    params: dict[str, object] = {"key": KEY} if method in (Method.HASH, Method.TOKENIZE) else {}
    made = masked(type_name, method, values.get(type_name, "1").encode(), params, binary=False)
    assert (made is not None) == holds(type_name, method)
