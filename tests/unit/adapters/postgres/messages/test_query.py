from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import PeerProtocolError
from adapters.postgres.messages import query
from adapters.postgres.messages.frames import Front
from tests import wire
from tests.wire import read_or_refused


def body(message: bytes) -> bytes:
    return message[5:]


def test_extended_messages_are_read_by_their_names() -> None:
    assert query.decode_parse(body(wire.parse("select 1", "n"))) == query.Parse(b"n", b"select 1", bytes(2))
    assert query.decode_execute(body(wire.execute("c", 5))) == query.Execute(b"c", 5)
    assert query.decode_named(body(wire.describe("S", "n"))) == query.Named(query.STATEMENT, b"n")
    found = query.decode_bind(body(wire.bind("n", "c", (b"1",))))
    assert (found.portal, found.statement) == (b"c", b"n")


@pytest.mark.parametrize(("longest", "longer"), [("n" * 63, "n" * 64), ("\u00e9" * 21, "\u00e9" * 22)])
def test_a_name_of_which_a_server_looks_at_a_part_only_is_refused(longest: str, longer: str) -> None:
    for name in (longest, longer):
        said = (
            (query.decode_parse, wire.parse("select 1", name)),
            (query.decode_bind, wire.bind(statement=name)),
            (query.decode_bind, wire.bind(portal=name)),
            (query.decode_execute, wire.execute(name)),
            (query.decode_named, wire.describe("S", name)),
            (query.decode_named, wire.close("P", name)),
        )
        for decode, sent in said:
            if name == longest:
                decode(body(sent))
            else:
                with pytest.raises(PeerProtocolError) as refused:
                    decode(body(sent))
                assert refused.value.code == "08P01"


def test_what_we_make_ourselves_is_what_a_client_would_make() -> None:
    assert query.encode_parse(b"select 1", b"n") == wire.parse("select 1", "n")
    assert query.encode_bind(b"n", b"c") == wire.bind("n", "c")
    assert query.encode_execute(b"c", 7) == wire.execute("c", 7)
    assert query.encode_named(Front.CLOSE, query.PORTAL, b"c") == wire.close("P", "c")


def test_a_bind_can_be_pointed_at_another_statement_with_its_parameters() -> None:
    mine = wire.bind("n", "c", (b"1", None))
    assert query.encode_bind_as(query.decode_bind(body(mine)), b"other") == wire.bind("other", "c", (b"1", None))


def test_parameters_are_shown_as_text_or_as_hex() -> None:
    rest = query.decode_bind(body(wire.bind("", "", (b"42", None, b"\xff\0")))).rest
    assert query.decode_parameters(rest) == ("42", None, "\\xff00")
    binary = b"\0\1\0\1" + b"\0\1" + b"\0\0\0\4" + b"\0\0\0\7" + b"\0\0"
    assert query.decode_parameters(binary) == ("\\x00000007",)


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\0\0",
        b"\0\0\0\1",
        b"\0\0\0\1\0\0\0\5ab\0\0",
        b"\0\0\0\1\xff\xff\xff\xfe\0\0",
        b"\0\1\0\2\0\0\0\0",
        b"\0\2\0\0\0\0\0\1\0\0\0\0\0\0",
        b"\xff\xff\0\0\0\0",
        b"\0\0\0\0\0\0!",
    ],
)
def test_parameters_that_do_not_add_up_are_refused(rest: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        query.decode_parameters(rest)


@pytest.mark.parametrize("bad", [b"", b"n\0", b"n\0select\0", b"n\0select\0\0\1", b"n\0select\0\0\0\0"])
def test_a_parse_that_does_not_add_up_is_refused(bad: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        query.decode_parse(bad)


@pytest.mark.parametrize("bad", [b"", b"X\0", b"Sabc", b"Sa\0b\0"])
def test_a_describe_of_neither_kind_is_refused(bad: bytes) -> None:
    with pytest.raises(PeerProtocolError):
        query.decode_named(bad)


@given(st.binary(max_size=40))
def test_any_parameters_are_read_or_refused(rest: bytes) -> None:
    with read_or_refused():
        query.decode_parameters(rest)


def test_the_types_of_a_parse_are_oids() -> None:
    assert list(query.type_oids(query.decode_parse(b"n\0select\0\0\2\0\0\0\x19\0\1\0\0").types)) == [25, 65536]
    assert list(query.type_oids(query.NO_TYPES)) == []
