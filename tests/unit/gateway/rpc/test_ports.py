"""The shapes the services stand on are met by their stand-ins; mypy checks the gate's side where they are connected."""

from __future__ import annotations

from gateway.rpc.ports import ApprovalPort, AuditPort, DecisionPort, PolicyPort, RecordingPort
from tests.rpc_stand_ins import StandInApprovals, StandInAudit, StandInGate, StandInPolicies, StandInRecordings


def test_the_stand_ins_satisfy_the_ports_by_shape_alone() -> None:
    gate: DecisionPort = StandInGate()
    policies: PolicyPort = StandInPolicies()
    approvals: ApprovalPort = StandInApprovals()
    audit: AuditPort = StandInAudit()
    recordings: RecordingPort = StandInRecordings()
    pairs = ((DecisionPort, gate), (PolicyPort, policies), (ApprovalPort, approvals), (AuditPort, audit))
    for port, stand_in in (*pairs, (RecordingPort, recordings)):
        wanted = {name for name in vars(port) if not name.startswith("_")}
        assert wanted
        assert all(hasattr(stand_in, name) for name in wanted)
