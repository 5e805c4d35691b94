"""From a decision's mask plan and the server's own description of a result to a masker, or to a refusal.

The plan comes from the text (lineage over the tree); the description comes from the server. INVARIANT: where the two
disagree about a column, nothing of the result is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from adapters.core.ports import Answer
from adapters.postgres.messages.results import Field
from adapters.postgres.session.meanings import Meanings
from engine._native import CopyMasker, CopyOut, NativeError, RowMasker
from engine.command.tree import Output
from engine.decision import MaskItem
from engine.request import Json

_CANNOT = "the masks cannot be applied"
_UNCLEAR_NULL = "in a COPY of masked columns no text that a value could be may stand for NULL"
_ENCODER = msgspec.msgpack.Encoder()


def make_masker(answer: Answer, fields: Sequence[Field], meanings: Meanings) -> RowMasker | str:
    """The masker of one result, or why there is none (for the user's eyes: no values, no column names of others)."""
    plan = _plan(answer, fields, meanings)
    if isinstance(plan, str):
        return plan
    try:
        return RowMasker(plan)
    except NativeError:
        return _CANNOT


def make_copy_masker(answer: Answer, copied: CopyOut, fields: Sequence[Field], meanings: Meanings) -> CopyMasker | str:
    """The masker of a COPY whose query was described by `fields`, or why there is none."""
    fields = [replace(field, format=int(copied.is_binary)) for field in fields]
    plan = _plan(answer, fields, meanings)
    if isinstance(plan, str):
        return plan
    try:
        return copied.masker(plan, [field.name for field in fields])
    except NativeError as error:
        return _UNCLEAR_NULL if error.code == "NULL_UNCLEAR" else _CANNOT


def copy_out(answer: Answer, text: bytes) -> CopyOut | None:
    """The COPY to the client that is all of a text; None where it has options that are not known."""
    sql = answer.command.command.sql if answer.command is not None else None
    outputs = (sql.outputs if sql is not None else None) or ()
    return CopyOut.read(text, [output.name or "" for output in outputs])


def _plan(answer: Answer, fields: Sequence[Field], meanings: Meanings) -> bytes | str:
    """What to do to each column, for the core, or why that cannot be told."""
    plan = answer.decision.mask_plan
    sql = answer.command.command.sql if answer.command is not None else None
    outputs = sql.outputs if sql is not None else None
    if any(item.output is None or item.path is not None for item in plan):
        return "masks inside values are not supported on this protocol yet"
    if outputs is None or len(outputs) != len(fields):
        return "the result has other columns than the command's text says"
    for field, output in zip(fields, outputs, strict=True):
        if not _agrees(field, output, meanings):
            return "the server says that a column comes from elsewhere than the command's text says"
    by_output = {item.output: item for item in plan if item.output is not None}
    if len(by_output) != len(plan) or not all(0 <= number < len(fields) for number in by_output):
        return "the masks do not fit the result"
    columns = [_column(by_output.get(number), field, answer.mask_keys, meanings) for number, field in enumerate(fields)]
    return _ENCODER.encode(columns)


def _agrees(field: Field, output: Output, meanings: Meanings) -> bool:
    """Whether the server's origin of a column is among those the text gives it."""
    if field.relation == 0:
        # Computed: the server knows no origin. A plain copy that it calls computed is one we have misread.
        return output.derived or not output.origins or output.proven
    if field.number == 0:
        return False
    known = meanings.origin_of(field.relation, field.number)
    return known is None or known in output.origins


def _column(
    item: MaskItem | None, field: Field, keys: Mapping[str, bytes], meanings: Meanings
) -> dict[str, object] | None:
    if item is None:
        return None
    params: dict[str, Json | bytes] = dict(item.params)
    name = params.get("key")
    if isinstance(name, str):
        params["key"] = keys.get(name, b"")
    only: dict[str, object] = {"values": item.values} if item.values else {}
    return only | {
        "method": item.method,
        "params": params,
        "type_oid": meanings.shape_of(field.type_oid),
        "format": field.format,
    }
