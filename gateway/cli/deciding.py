"""`decide` and `explain`: one command, or JSON lines of them, judged by a policy folder without any gateway."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from engine import Program, Request, compile_policies, parse_command
from engine.decision import Decision, Verdict
from engine.evaluator.decision_json import decision_json
from engine.evaluator.explain import Explained, explained_json
from engine.evaluator.explain import explain as explain_request
from engine.masking.transforms import UNFIT, Method
from engine.request import Principal, Resource, Session
from engine.suite.decide_lines import decide_lines, explain_lines
from gateway.cli.options import AsJson, AsJsonLines, PolicyFolder
from gateway.cli.output import answer_lines, complain, say, say_json
from gateway.policy_store.folder import read_folder

Text: TypeAlias = Annotated[str | None, typer.Argument(help="The command; standard input when it is not given.")]
Who: TypeAlias = Annotated[str, typer.Option(help="Who asks.")]
Groups: TypeAlias = Annotated[
    list[str] | None, typer.Option("--group", help="A group of theirs; may be given more than once.")
]
What: TypeAlias = Annotated[str, typer.Option(help="The resource it would run on.")]
Protocol: TypeAlias = Annotated[str, typer.Option(help="The protocol of command and resource.")]
Labels: TypeAlias = Annotated[
    list[str] | None, typer.Option("--label", help="KEY=VALUE of the resource; may be given more than once.")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(decide)
    app.command()(explain)


def decide(
    text: Text = None,
    policies: PolicyFolder = Path("policies"),
    principal: Who = "somebody",
    group: Groups = None,
    resource: What = "resource",
    protocol: Protocol = "postgres",
    label: Labels = None,
    as_json: AsJson = False,
    as_json_lines: AsJsonLines = False,
) -> None:
    """Decide on one command by a policy folder."""
    program = _program(policies)
    if as_json_lines:
        answer_lines(lambda lines: decide_lines(program, lines, time.time_ns()))
        return
    decision = program.decide(_request(text, principal, group, resource, protocol, label))
    if as_json:
        say_json({"decision": decision_json(decision)})
    else:
        _show(decision)


def explain(
    text: Text = None,
    policies: PolicyFolder = Path("policies"),
    principal: Who = "somebody",
    group: Groups = None,
    resource: What = "resource",
    protocol: Protocol = "postgres",
    label: Labels = None,
    as_json: AsJson = False,
    as_json_lines: AsJsonLines = False,
    every: Annotated[bool, typer.Option("--all", help="Also rules that no index finds for this.")] = False,
) -> None:
    """Decide, and show every candidate rule with what became of it."""
    program = _program(policies)
    if as_json_lines:
        answer_lines(lambda lines: explain_lines(program, lines, time.time_ns()))
        return
    request = _request(text, principal, group, resource, protocol, label)
    decision, rules = program.decide(request), explain_request(program, request, every_rule=every)
    if as_json:
        say_json({"decision": decision_json(decision), "rules": [explained_json(one) for one in rules]})
        return
    _show(decision)
    for one in rules:
        _show_rule(one)
    if not rules:
        say("no rule could match this")


def _program(folder: Path) -> Program:
    loaded = read_folder(folder)
    return compile_policies(loaded.sources, loaded.data)


def _request(
    text: str | None, principal: str, groups: list[str] | None, resource: str, protocol: str, labels: list[str] | None
) -> Request:
    given = sys.stdin.buffer.read() if text is None else text.encode("utf-8", "surrogateescape")
    read = dict[str, str]()
    for label in labels or ():
        key, separator, value = label.partition("=")
        if not key or not separator:
            complain(f"`{label}` is no label", help="write KEY=VALUE")
            raise typer.Exit(2)
        read[key] = value
    return Request(
        principal=Principal(principal, groups=tuple(groups or ())),
        session=Session("cli"),
        resource=Resource(resource, protocol, labels=read),
        command=parse_command(protocol, given),
        now=time.time_ns(),
    )


def _show(decision: Decision) -> None:
    say(decision.verdict.value + (f" ({decision.deny_kind.value})" if decision.deny_kind is not None else ""))
    for reason in decision.reasons:
        place = f"  {reason.location.file}:{reason.location.line}" if reason.location is not None else ""
        say(f"  {reason.kind:<5}  {reason.rule or reason.code}{place}")
        for words in (reason.reason, reason.detail, reason.hint):
            if words:
                say(f"      {words}")
    for item in decision.mask_plan:
        where = "values anywhere" if item.output is None else f"output {item.output}"
        say(f"  mask   {where}: {item.method}  ({', '.join(item.origins)})")
        if item.values:
            say(f"      only values of {', '.join(item.values)}")
        elif item.output is not None and item.method in UNFIT:
            say(f"      leaves {UNFIT[Method(item.method)]}")
    for obligation in decision.obligations:
        say(f"  limit  {obligation.type} {obligation.value}  {obligation.rule}")
    if decision.verdict is Verdict.HOLD and decision.hold is not None:
        for demand in decision.hold.approvers:
            say(f"  needs  {demand}")


def _show_rule(one: Explained) -> None:
    mark = "matched    " if one.matched else "not matched"
    say(f"  {mark}  {one.kind.value:<5}  {one.rule}  {one.location.file}:{one.location.line}")
    if one.condition:
        say(f"      {one.condition}")
    for name, value in one.values.items():
        say(f"      {name} = {value}")
