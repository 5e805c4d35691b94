"""JSON through messages and back, and what is refused on the way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.request import Json
from gateway.rpc.codec.values import read_map, read_value, write, write_map
from gateway.rpc.limits import MAX_DEPTH, MAX_VALUES
from gateway.rpc.refusals import CallRefused, Cause
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

JSON: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_goes_in_comes_out(fields: dict[str, Json]) -> None:
    request = pb.DecideRequest()
    write_map(request.context, fields)
    again = read_map(pb.DecideRequest.FromString(request.SerializeToString()).context, "context")
    assert again == fields
    assert [type(again[key]) for key in fields] == [type(value) for value in fields.values()]


def test_the_largest_integers_stay_what_they_are() -> None:
    for number in (2**63 - 1, -(2**63), 2**53 + 1):
        value = pb.Value()
        write(value, number)
        assert read_value(value, "x") == number


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_an_integer_beyond_64_bits_is_refused(number: int) -> None:
    with pytest.raises(CallRefused, match="64 bits"):
        write(pb.Value(), number)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(CallRefused) as refused:
        read_value(pb.Value(number=number), "context")
    assert refused.value.code == "INPUT_INVALID"


def test_a_value_without_a_kind_is_refused_and_not_taken_for_null() -> None:
    with pytest.raises(CallRefused, match="without a kind"):
        read_value(pb.Value(), "context")


def test_an_unknown_null_is_refused() -> None:
    with pytest.raises(CallRefused):
        read_value(pb.Value.FromString(b"\x08\x07"), "context")


def test_nesting_is_bounded_both_ways() -> None:
    deep: Json = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    with pytest.raises(CallRefused) as written:
        write(pb.Value(), deep)
    message = pb.Value(integer=1)
    for _ in range(MAX_DEPTH):
        message = pb.Value(list=pb.ValueList(items=[message]))
    with pytest.raises(CallRefused) as read:
        read_value(message, "context")
    assert written.value.cause is read.value.cause is Cause.TOO_LARGE
    assert read_value(message.list.items[0], "context") is not None


def test_breadth_is_bounded() -> None:
    message = pb.Value(list=pb.ValueList(items=[pb.Value(integer=1)] * MAX_VALUES))
    with pytest.raises(CallRefused) as refused:
        read_value(message, "context")
    assert refused.value.code == "TOO_LARGE"
