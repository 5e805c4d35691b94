"""The command tree as messages, both ways.

Reading is for callers that parse themselves (role `adapter`) and for our own client; writing is for `Parse`. A tree that
says less than it must (no operation, an access that is none) is refused: policies would read it as harmless.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import msgspec

from engine.command.http.tree import Http
from engine.command.kubernetes.tree import Kubernetes
from engine.command.mcp.tree import Mcp
from engine.command.python.tree import Python
from engine.command.shell.tree import Shell
from engine.command.tree import Access, Command, Effect, Operation, Output, Problem, Sql, Target
from gateway.rpc.codec.facts import read_facts, write_facts
from gateway.rpc.limits import MAX_NAME, MAX_OPERATIONS, MAX_TEXT
from gateway.rpc.refusals import bad_input, too_large
from grpc_proto.sallyport.decision.v1 import decision_pb2 as pb

_DIGEST = re.compile(r"[0-9a-f]{64}")
_EFFECTS: dict[int, Effect] = {pb.Operation.Effect.Value(effect.name): effect for effect in Effect}
_ACCESSES: dict[int, Access] = {pb.Target.Access.Value(access.name): access for access in Access}
_EFFECT_NUMBERS = {effect: number for number, effect in _EFFECTS.items()}
_ACCESS_NUMBERS = {access: number for number, access in _ACCESSES.items()}


def read_command(message: pb.Command) -> Command:
    """The tree of a message. Raises CallRefused when it is none."""
    text = message.text
    if not 0 < len(message.protocol) <= MAX_NAME:
        raise bad_input("command.protocol: missing or too long")
    if len(text) > MAX_TEXT or len(text.encode()) > MAX_TEXT:
        raise too_large("bytes of command.text", len(text.encode()), MAX_TEXT)
    if not message.operations:
        # INVARIANT: a command has at least one operation, else `every operation is ...` is true of nothing.
        raise bad_input("command.operations: a command has at least one (kind `unknown` where nothing is known)")
    targets = sum(len(operation.targets) for operation in message.operations)
    if len(message.operations) + targets > MAX_OPERATIONS:
        raise too_large("operations and targets", len(message.operations) + targets, MAX_OPERATIONS)
    if message.digest and not _DIGEST.fullmatch(message.digest):
        raise bad_input("command.digest: 64 hexadecimal digits in lower case, or absent")
    command = Command(
        protocol=message.protocol,
        text=text,
        digest=message.digest,
        operations=tuple(_operation(operation) for operation in message.operations),
        features=tuple(message.features),
        complete=message.complete,
        problems=tuple(
            Problem(problem.code, problem.message, problem.at if problem.HasField("at") else None)
            for problem in message.problems
        ),
        sql=_sql(message.sql) if message.HasField("sql") else None,
        kubernetes=_kubernetes(message, "command") if message.HasField("kubernetes") else None,
        http=read_facts(message.http, Http, "command.http") if message.HasField("http") else None,
        mcp=read_facts(message.mcp, Mcp, "command.mcp") if message.HasField("mcp") else None,
    )
    return command if command.digest else replace(command, digest=_digest(command))


def _digest(command: Command) -> str:
    """What approvals bind to when the caller names no digest: the whole tree."""
    return hashlib.sha256(msgspec.msgpack.encode(command, order="deterministic")).hexdigest()


def _operation(message: pb.Operation) -> Operation:
    if message.effect not in _EFFECTS:
        raise bad_input("command.operations.effect: no such number")
    if not message.kind:
        raise bad_input("command.operations.kind: missing (`unknown` where nothing is known)")
    if not 0 <= message.span_start <= message.span_end or message.statement < 0:
        raise bad_input("command.operations.span: not a place in the text")
    return Operation(
        kind=message.kind,
        effect=_EFFECTS[message.effect],
        via=tuple(message.via),
        targets=tuple(_target(target) for target in message.targets),
        span=(message.span_start, message.span_end),
        has_where=message.has_where if message.HasField("has_where") else None,
        has_limit=message.has_limit if message.HasField("has_limit") else None,
        statement=message.statement,
        kubernetes=_kubernetes(message, "command.operations") if message.HasField("kubernetes") else None,
        shell=read_facts(message.shell, Shell, "command.operations.shell") if message.HasField("shell") else None,
        python=read_facts(message.python, Python, "command.operations.python") if message.HasField("python") else None,
    )


def _kubernetes(message: pb.Command | pb.Operation, where: str) -> Kubernetes:
    return read_facts(message.kubernetes, Kubernetes, f"{where}.kubernetes")


def _target(message: pb.Target) -> Target:
    if message.access not in _ACCESSES:
        raise bad_input("command.operations.targets.access: missing, or no such number")
    if not message.type or not message.name:
        raise bad_input("command.operations.targets: type and name are needed")
    return Target(
        type=message.type,
        name=message.name,
        access=_ACCESSES[message.access],
        schema=message.schema if message.HasField("schema") else None,
        relation=message.relation if message.HasField("relation") else None,
        column=message.column if message.HasField("column") else None,
        resolved=message.resolved,
    )


def _sql(message: pb.Sql) -> Sql:
    if message.joins < 0 or message.statements < 0:
        raise bad_input("command.sql: a negative count")
    return Sql(
        reads=tuple(message.reads),
        writes=tuple(message.writes),
        relations=tuple(message.relations),
        filters=tuple(message.filters),
        equalities=tuple(message.equalities),
        passed=tuple(message.passed),
        outputs=tuple(_output(item) for item in message.outputs.items) if message.HasField("outputs") else None,
        outputs_proven=message.outputs_proven,
        has_where=message.has_where,
        has_limit=message.has_limit,
        joins=message.joins,
        statements=message.statements,
        is_multi=message.is_multi,
        constants_matter=message.constants_matter,
    )


def _output(message: pb.Output) -> Output:
    return Output(
        name=message.name if message.HasField("name") else None,
        origins=tuple(message.origins),
        derived=message.derived,
        function=message.function if message.HasField("function") else None,
        proven=message.proven,
        calls=tuple(message.calls.names) if message.HasField("calls") else None,
    )


def write_command(into: pb.Command, command: Command) -> None:
    """Fill the message of a tree."""
    into.protocol = command.protocol
    into.text = command.text
    into.digest = command.digest
    into.features.extend(command.features)
    into.complete = command.complete
    for operation in command.operations:
        _write_operation(into.operations.add(), operation)
    for problem in command.problems:
        into.problems.add(code=problem.code, message=problem.message, at=problem.at)
    if command.sql is not None:
        _write_sql(into.sql, command.sql)
    if command.kubernetes is not None:
        write_facts(into.kubernetes, command.kubernetes)
    if command.http is not None:
        write_facts(into.http, command.http)
    if command.mcp is not None:
        write_facts(into.mcp, command.mcp)


def _write_operation(into: pb.Operation, operation: Operation) -> None:
    into.kind = operation.kind
    into.effect = pb.Operation.Effect.ValueType(_EFFECT_NUMBERS[operation.effect])
    into.via.extend(operation.via)
    into.span_start, into.span_end = operation.span
    into.statement = operation.statement
    if operation.has_where is not None:
        into.has_where = operation.has_where
    if operation.has_limit is not None:
        into.has_limit = operation.has_limit
    if operation.kubernetes is not None:
        write_facts(into.kubernetes, operation.kubernetes)
    if operation.shell is not None:
        write_facts(into.shell, operation.shell)
    if operation.python is not None:
        write_facts(into.python, operation.python)
    for target in operation.targets:
        into.targets.add(
            type=target.type,
            name=target.name,
            access=pb.Target.Access.ValueType(_ACCESS_NUMBERS[target.access]),
            schema=target.schema,
            relation=target.relation,
            column=target.column,
            resolved=target.resolved,
        )


def _write_sql(into: pb.Sql, sql: Sql) -> None:
    into.SetInParent()
    into.reads.extend(sql.reads)
    into.writes.extend(sql.writes)
    into.relations.extend(sql.relations)
    into.filters.extend(sql.filters)
    into.equalities.extend(sql.equalities)
    into.passed.extend(sql.passed)
    into.outputs_proven = sql.outputs_proven
    into.has_where, into.has_limit = sql.has_where, sql.has_limit
    into.joins, into.statements = sql.joins, sql.statements
    into.is_multi, into.constants_matter = sql.is_multi, sql.constants_matter
    if sql.outputs is None:
        return
    into.outputs.SetInParent()
    for output in sql.outputs:
        added = into.outputs.items.add(
            name=output.name,
            origins=output.origins,
            derived=output.derived,
            function=output.function,
            proven=output.proven,
        )
        if output.calls is not None:
            added.calls.SetInParent()
            added.calls.names.extend(output.calls)
