"""Obligations through messages and back; what a message cannot hold is refused."""

from __future__ import annotations

import pytest

from engine.decision import Obligation
from engine.rego.contract import LimitType
from engine.request import Json
from gateway.rpc.codec.obligations import read_obligation, write_obligation
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

VALUES: dict[str, Json] = {
    "rows": 10_000,
    "read_only": True,
    "statement_timeout": 5_000,
    "lock_timeout": 0,
    "notify": ["security", "team"],
    "record": True,
    "rewrite_secret": True,
}


def test_every_type_of_limit_has_a_place() -> None:
    assert set(VALUES) == {str(kind) for kind in LimitType}
    places = {field.name for field in pb.Obligation.DESCRIPTOR.oneofs_by_name["what"].fields}
    assert places == {*VALUES, "record_with"}


@pytest.mark.parametrize("kind", VALUES)
def test_an_obligation_comes_back_as_it_was(kind: str) -> None:
    obligation = Obligation(kind, VALUES[kind], "demo/CAP")
    message = pb.Obligation()
    write_obligation(message, obligation)
    assert read_obligation(pb.Obligation.FromString(message.SerializeToString())) == obligation


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("rows", -1),
        ("rows", True),
        ("rows", "10"),
        ("rows", 1 << 63),
        ("read_only", False),
        ("read_only", 1.5),
        ("statement_timeout", "5s"),
        ("notify", []),
        ("notify", [1]),
        ("record", None),
        ("record", []),
        ("record", ["everything"]),
        ("record", [["results"]]),
        ("teleport", True),
    ],
)
def test_an_unknown_type_or_a_wrong_value_is_refused(kind: str, value: Json) -> None:
    with pytest.raises(CallRefused) as refused:
        write_obligation(pb.Obligation(), Obligation(kind, value, "demo/CAP"))
    assert refused.value.code == "OBLIGATION_UNKNOWN"


@pytest.mark.parametrize("words", [["results"], ["parameters", "results"]])
def test_what_a_recording_adds_comes_back(words: list[Json]) -> None:
    message = pb.Obligation()
    write_obligation(message, Obligation("record", words, "demo/CAP"))
    assert read_obligation(message) == Obligation("record", words, "demo/CAP")


def test_a_client_refuses_an_obligation_it_does_not_know() -> None:
    with pytest.raises(CallRefused) as refused:
        read_obligation(pb.Obligation(rule="demo/CAP"))
    assert refused.value.code == "OBLIGATION_UNKNOWN"
