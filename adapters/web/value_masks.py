"""Hides values of some types of the scanner wherever they stand in a text or a document. Called by who shows what a plan masks."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.errors import PeerProtocolError
from engine.command.documents.values import Value
from engine.masking.output import ValueMask
from engine.masking.patterns import scan
from engine.masking.transforms import transform


def hide_in_text(text: str, masks: Sequence[ValueMask]) -> str:
    """A text without the values that a mask is for."""
    found = scan(text).findings if masks else ()
    for one in reversed(found):
        concerned = [mask for mask in masks if one.type in mask.types]
        if concerned:
            mask = max(concerned, key=lambda each: each.method.strictness)
            instead = transform(mask.method, text[one.start : one.end], mask.params, mask.key)
            text = text[: one.start] + (instead or "") + text[one.end :]
    return text


def hide_in_value(value: Value, masks: Sequence[ValueMask]) -> Value:
    """The same with every text looked through, names of members too. Raises PeerProtocolError where two names become one."""
    match value:
        case str():
            return hide_in_text(value, masks)
        case list():
            return [hide_in_value(one, masks) for one in value]
        case dict():
            made = {hide_in_text(name, masks): hide_in_value(one, masks) for name, one in value.items()}
            if len(made) != len(value):
                raise PeerProtocolError("two names became one by being masked", code="MASK_UNPROVEN")
            return made
        case int() if not isinstance(value, bool):
            # WHY: a card's number may stand there as a number.
            shown = hide_in_text(str(value), masks)
            return value if shown == str(value) else shown
        case _:
            return value
