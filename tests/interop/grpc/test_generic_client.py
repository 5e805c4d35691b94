"""A client that has none of our generated code: it asks reflection what there is, and calls that."""

from __future__ import annotations

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.interop.grpc.conftest import Served
from tests.rpc_stand_ins import ADAPTER

SERVICE = "sallyport.decision.v1.DecisionService"


def reflect(channel: grpc.Channel, name: str, **question: str) -> reflection_pb2.ServerReflectionResponse:
    call = channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = call(iter([reflection_pb2.ServerReflectionRequest(**question)]), timeout=60)
    return answer


def test_reflection_lists_every_service_under_both_of_its_names(served: Served) -> None:
    with grpc.insecure_channel(served.address(ADAPTER.name)) as channel:
        for name in ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"):
            answer = reflect(channel, name, list_services="")
            assert {each.name for each in answer.list_services_response.service} == {
                SERVICE,
                "sallyport.approval.v1.ApprovalService",
                "sallyport.audit.v1.AuditService",
                "sallyport.session.v1.SessionService",
                "sallyport.recording.v1.RecordingService",
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            }


def test_a_client_without_our_code_learns_the_schema_and_asks(served: Served) -> None:
    with grpc.insecure_channel(served.address(ADAPTER.name)) as channel:
        answer = reflect(channel, "grpc.reflection.v1alpha.ServerReflection", file_containing_symbol=SERVICE)
        pool = descriptor_pool.DescriptorPool()
        for data in reversed(answer.file_descriptor_response.file_descriptor_proto):
            pool.Add(descriptor_pb2.FileDescriptorProto.FromString(data))
        method = pool.FindServiceByName(SERVICE).methods_by_name["Decide"]
        ask = message_factory.GetMessageClass(method.input_type)()
        json_format.ParseDict(
            {
                "principal": {"name": "ana"},
                "resource": {"name": "orders", "protocol": "postgres"},
                "raw": {"protocol": "postgres", "text": "c2VsZWN0IDE="},
                "context": {"big": {"integer": str(2**63 - 1)}},
            },
            ask,
        )
        got = channel.unary_unary(f"/{SERVICE}/Decide", None, None)(ask.SerializeToString(), timeout=60)
        told = message_factory.GetMessageClass(method.output_type).FromString(got)
        assert json_format.MessageToDict(told)["verdict"] == "ALLOW"
    assert served.stand_ins.gate.asked[0].context == {"big": 2**63 - 1}


def test_a_monitor_sees_that_it_serves_and_that_it_stops(served: Served) -> None:
    with grpc.insecure_channel(served.address(ADAPTER.name)) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        for name in ("", SERVICE):
            assert check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch", None, health_pb2.HealthCheckResponse.FromString)(
            b""
        )
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        served.server.stop(grace=30)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
