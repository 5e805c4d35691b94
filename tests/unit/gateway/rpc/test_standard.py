"""Health checks and reflection, without a network."""

from __future__ import annotations

import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from gateway.rpc.arrivals import Arrivals
from gateway.rpc.calls import Reception
from gateway.rpc.identity import OneCaller
from gateway.rpc.mailbox import Mailbox
from gateway.rpc.refusals import CallRefused, Cause
from gateway.rpc.standard import HEALTH, REFLECTION, Health, Reflection
from tests.rpc_stand_ins import AGENT, StandInGate

SERVICE = "sallyport.decision.v1.DecisionService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def asked(name: str) -> bytes:
    return bytes(health_pb2.HealthCheckRequest(service=name).SerializeToString())


def status(data: bytes) -> int:
    return int(health_pb2.HealthCheckResponse.FromString(data).status)


def test_nothing_serves_until_it_does() -> None:
    health = Health([SERVICE])
    for name in ("", SERVICE):
        assert status(health.check(asked(name), AGENT)) == NOT_SERVING
    health.set_serving(True)
    for name in ("", SERVICE):
        assert status(health.check(asked(name), AGENT)) == SERVING


def test_a_service_that_is_not_there_is_not_found() -> None:
    with pytest.raises(CallRefused) as refused:
        Health([]).check(asked("x.Y"), AGENT)
    assert refused.value.cause is Cause.NOT_FOUND
    with pytest.raises(CallRefused):
        Health([]).check(b"\xff", AGENT)


def test_a_watcher_is_told_each_change_once() -> None:
    health = Health([SERVICE])
    box: Mailbox[int] = Mailbox(1)
    told = health.watch(asked(SERVICE), AGENT, box)
    assert status(next(told)) == NOT_SERVING
    health.set_serving(False)
    health.set_serving(True)
    assert status(next(told)) == SERVING
    box.close()
    assert [*told] == []
    health.set_serving(False)
    unknown: Mailbox[int] = Mailbox(1)
    told = health.watch(asked("x.Y"), AGENT, unknown)
    assert status(next(told)) == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def test_reflection_lists_services_and_shows_their_files() -> None:
    reflection = Reflection([SERVICE])

    def info(**question: str) -> reflection_pb2.ServerReflectionResponse:
        message = reflection_pb2.ServerReflectionRequest(**question).SerializeToString()
        return reflection_pb2.ServerReflectionResponse.FromString(reflection.info(message, AGENT))

    listed = {service.name for service in info(list_services="").list_services_response.service}
    assert listed == {SERVICE, HEALTH, *REFLECTION}
    found = info(file_containing_symbol=SERVICE)
    assert any(b"DecideRequest" in file for file in found.file_descriptor_response.file_descriptor_proto)
    assert info(file_containing_symbol="x.Y").error_response.error_code
    assert reflection_pb2.ServerReflectionResponse.FromString(reflection.info(b"", AGENT)).HasField("error_response")
    with pytest.raises(CallRefused):
        reflection.info(b"\xff", AGENT)


def test_both_names_of_reflection_and_the_methods_of_health_are_served() -> None:
    reception = Reception(OneCaller(AGENT), StandInGate(), Arrivals(lambda: 0.0))
    assert set(Health([]).handlers(reception)) == {"Check", "Watch"}
    for name in REFLECTION:
        assert set(Reflection([]).handlers(reception, name)) == {"ServerReflectionInfo"}
