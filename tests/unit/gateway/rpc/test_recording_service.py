"""Who may look at recordings by themselves, and that it is recorded as them."""

from __future__ import annotations

import pytest

from gateway.errors import RecordingBroken
from gateway.rpc.arrivals import Arrivals
from gateway.rpc.calls import Reception
from gateway.rpc.codec import recordings
from gateway.rpc.identity import Caller, OneCaller
from gateway.rpc.recording_service import NoRecordings, RecordingService
from gateway.rpc.refusals import CallRefused, refusal_of
from gateway.viewing import Playing
from grpc_proto.sallyport.recording.v1 import recording_pb2
from tests.rpc_stand_ins import ADAPTER, AGENT, APPROVER, AUDITOR, StandInRecordings, StandIns

LOOK = recordings.write_announce_request(Playing("r-1"))


def test_it_is_recorded_as_the_caller_who_is_told_where() -> None:
    behind = StandInRecordings()
    assert recordings.read_announced(RecordingService(behind).announce(LOOK, AUDITOR)) == 1
    assert behind.told == [(Playing("r-1"), AUDITOR.name)]


@pytest.mark.parametrize("caller", [ADAPTER, AGENT, APPROVER], ids=lambda caller: caller.name)
def test_only_auditors_look(caller: Caller) -> None:
    behind = StandInRecordings()
    with pytest.raises(CallRefused) as refused:
        RecordingService(behind).announce(LOOK, caller)
    assert (refused.value.code, behind.told) == ("NOT_PERMITTED", [])


def test_where_none_are_kept_none_are_found() -> None:
    with pytest.raises(RecordingBroken) as caught:
        RecordingService(NoRecordings()).announce(LOOK, AUDITOR)
    assert refusal_of(caught.value).code == "NO_RECORDING"


def test_every_method_of_the_schema_has_a_handler() -> None:
    service = RecordingService(StandInRecordings())
    schema = recording_pb2.DESCRIPTOR.services_by_name["RecordingService"]
    assert set(service.handlers(Reception(OneCaller(AGENT), StandIns().gate, Arrivals(lambda: 0.0)))) == set(
        schema.methods_by_name
    )
