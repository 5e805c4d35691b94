"""Masks that leave NULL in columns of a catalog whose type cannot hold what their method leaves: warnings for their authors.

A mask whose columns or method are computed says nothing here. Called by `sallyport check --catalog`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.compiler.heads import HeadOf
from engine.compiler.stages import CompiledPolicies
from engine.masking.fit import Unfit, column_types, fitting, unfit_columns
from engine.masking.plan import Mask
from engine.masking.transforms import Method
from engine.source import Diagnostic, Severity

CODE = "MASK_LEAVES_NULL"
MAX_NAMED = 6


def unfit_masks(policies: CompiledPolicies, catalog: Mapping[str, object]) -> Iterator[Diagnostic]:
    """One warning for each mask and type; `catalog` is a document that was found sound."""
    types = column_types(catalog)
    for one in policies.masks:
        mask = _mask(one)
        by_type: dict[str, list[Unfit]] = {}
        for column in unfit_columns(mask, types) if mask is not None else ():
            by_type.setdefault(column.type, []).append(column)
        for type_, columns in by_type.items():
            found = policies.gate.translate(_warning(one, mask, type_, columns))
            if found is not None:
                yield found


def _mask(one: HeadOf) -> Mask | None:
    fields = one.head.fields or {}
    columns, method = fields.get("columns"), fields.get("method")
    if not isinstance(columns, list) or not isinstance(method, str) or method not in set(Method):
        return None
    return Mask(f"{one.package}/{fields.get('code', '?')}", Method(method), tuple(str(glob) for glob in columns))


def _warning(one: HeadOf, mask: Mask | None, type_: str, columns: Sequence[Unfit]) -> Diagnostic:
    assert mask is not None
    named = _listed(column.column for column in columns)
    what = f"`{mask.method}` leaves NULL in {named} of type `{type_}`"
    if not columns[0].is_certain:
        what += ", unless that is a domain or a composite type of types that fit"
        help_ = "which type it stands on decides; say that one in the catalog"
        return Diagnostic(CODE, what, one.file, one.head.span, Severity.WARNING, f"{help_}; see docs/masks.md")
    others = [f"`{method}`" for method in fitting(type_) if method is not mask.method]
    help_ = f"{' and '.join(others)} leave values there" if others else "no method leaves a value of this type"
    return Diagnostic(CODE, what, one.file, one.head.span, Severity.WARNING, f"{help_}; see docs/masks.md")


def _listed(names: Iterable[str]) -> str:
    every = [f"`{name}`" for name in names]
    more = f" and {len(every) - MAX_NAMED} more" if len(every) > MAX_NAMED else ""
    return ", ".join(every[:MAX_NAMED]) + more
