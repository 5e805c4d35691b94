"""Folders of 30 rules, the size of a real small set, for measurements that run through a whole gateway."""

from __future__ import annotations

from pathlib import Path

RULES = 30


def folder_of_rules(folder: Path, rules: str, kinds: tuple[str, ...]) -> Path:
    """A folder of policies: `rules` decide; besides them denials of operations of these kinds that no question of the measurement has.

    A third of the denials speaks of the resource `bench`, and so reads the tree of every question; the others of resources that are not asked for.
    """
    place = folder / "policies"
    place.mkdir(parents=True)
    denials = [
        f'deny contains {{"code": "D{number}", "reason": "not here"}} if {{\n'
        f'\tinput.resource.name == "{"bench" if number % 3 == 0 else f"other-{number}"}"\n'
        f'\tsome op in input.command.operations\n\top.kind == "{kinds[number % len(kinds)]}"\n}}\n'
        for number in range(RULES - rules.count(" contains {"))
    ]
    (place / "bench.rego").write_text("\n".join(("package policies.bench\n", rules, *denials)), encoding="utf-8")
    return place
