"""Obligations as a typed message. One that has no place in the message, or no value of its type, is refused.

The types are those of `engine/rego/contract.py` (`LimitType`); what each value looks like is said there.
"""

from __future__ import annotations

from engine.decision import Obligation
from engine.rego.contract import Recorded
from engine.request import Json
from gateway.rpc.refusals import CallRefused, bad_input
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb


def write_obligation(into: pb.Obligation, obligation: Obligation) -> None:
    """Fill the message of an obligation. Raises CallRefused for one that it cannot hold."""
    into.rule = obligation.rule
    match obligation.type, obligation.value:
        case "rows", int() as rows if _is_count(rows):
            into.rows = rows
        case "statement_timeout", int() as milliseconds if _is_count(milliseconds):
            into.statement_timeout = milliseconds
        case "lock_timeout", int() as milliseconds if _is_count(milliseconds):
            into.lock_timeout = milliseconds
        case "read_only", True:
            into.read_only = True
        case "record", True:
            into.record = True
        case "record", list() as words if words and all(
            isinstance(word, str) and word in {*Recorded} for word in words
        ):
            into.record_with.names.extend(str(word) for word in words)
        case "rewrite_secret", True:
            into.rewrite_secret = True
        case "notify", list() as names if names and all(isinstance(name, str) for name in names):
            into.notify.names.extend(str(name) for name in names)
        case _:
            raise _unknown(f"obligation `{obligation.type}`: not known, or a value that is none of its")


def read_obligation(message: pb.Obligation) -> Obligation:
    """The obligation of a message. Raises CallRefused for one that this version does not know."""
    which = message.WhichOneof("what")
    value: Json
    match which:
        case "rows":
            value = message.rows
        case "statement_timeout":
            value = message.statement_timeout
        case "lock_timeout":
            value = message.lock_timeout
        case "read_only" | "record" | "rewrite_secret":
            value = True
        case "notify":
            value = [*message.notify.names]
        case "record_with":
            which, value = "record", [*message.record_with.names]
        case None:
            raise _unknown("an obligation that this version does not know")
    return Obligation(type=which, value=value, rule=message.rule)


def _is_count(value: int) -> bool:
    return not isinstance(value, bool) and 0 <= value < 1 << 63


def _unknown(message: str) -> CallRefused:
    return bad_input(message, code="OBLIGATION_UNKNOWN")
