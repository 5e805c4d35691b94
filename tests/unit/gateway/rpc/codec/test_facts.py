"""Facts of a protocol come back as they were, and what is none is refused with its field."""

from __future__ import annotations

import pytest

from engine.command.http.tree import Http
from engine.command.kubernetes.tree import Kubernetes, PodFacts
from gateway.rpc.codec.facts import read_facts, write_facts
from gateway.rpc.refusals import CallRefused
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

HTTP = Http(
    "POST", "/a", host="h", port=8443, query={"q": ("1", "2")}, body={"/a": 1, "/b": True, "/c": 1.5, "/d": "x"}
)
KUBERNETES = Kubernetes(
    "create",
    group="",
    resource="pods",
    argv=("sh", None),
    replicas=2,
    pods=PodFacts(privileged=True, host_paths=("/",)),
)


@pytest.mark.parametrize("facts", [HTTP, KUBERNETES, Kubernetes("get")])
def test_facts_come_back_as_they_were(facts: object) -> None:
    message = pb.ValueMap()
    write_facts(message, facts)
    assert read_facts(pb.ValueMap.FromString(message.SerializeToString()), type(facts), "there") == facts


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [("verb", None, "verb"), ("port", "x", "port"), ("colour", "red", "no field `colour`")],
)
def test_what_is_none_is_refused(field: str, text: str | None, said: str) -> None:
    message = pb.ValueMap()
    write_facts(message, KUBERNETES if field == "verb" else HTTP)
    if text is None:
        del message.fields[field]
    else:
        message.fields[field].text = text
    with pytest.raises(CallRefused, match=said):
        read_facts(message, Kubernetes if field == "verb" else Http, "there")


def test_a_field_that_nobody_knows_is_refused_at_any_depth() -> None:
    message = pb.ValueMap()
    write_facts(message, KUBERNETES)
    message.fields["pods"].object.fields["colour"].text = "red"
    with pytest.raises(CallRefused, match="no field `colour`"):
        read_facts(message, Kubernetes, "there")
