"""A raw request to the API server to its operations. Raises Refused; `parse` turns that into a problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.command.documents.refusal import Refused
from engine.command.http.path import parse_query
from engine.command.http.url import parse_url
from engine.command.http.wire import WireRequest, read_request
from engine.command.kubernetes.bodies import Body, read_body
from engine.command.kubernetes.inside import Inside, ShellReader, inside_container
from engine.command.kubernetes.kinds import EFFECTS, SHELL_HEADER, SHELLS, kind_of
from engine.command.kubernetes.line import Line
from engine.command.kubernetes.operations import answered, operation_of
from engine.command.kubernetes.request_info import Info, is_info_path, is_set, request_info
from engine.command.kubernetes.resources import BY_NAME
from engine.command.kubernetes.selectors import narrows
from engine.command.kubernetes.tree import Kubernetes
from engine.command.tree import Access, Operation, Target

_REPEATABLE = frozenset({"command", "ports"})
_HOP_BY_HOP = frozenset({"close", "keep-alive", "upgrade", "te", ""})
_GET_LIKE = frozenset({"get", "head"})
_DELETES = frozenset({"delete", "deletecollection"})
_WRITES = _DELETES | {"create", "update", "patch"}
_PUTS = frozenset({"create", "update", "apply"})
_NEVER_DRY = frozenset({"exec", "attach", "port_forward", "proxy", "create_token"})
"""What the server does all the same when it is asked for a dry run."""


def read_api_request(raw: bytes, shell: ShellReader | None) -> Line:
    """The operations of a raw request, exactly one unless it impersonates, runs something or carries a list."""
    request = read_request(raw)
    path, query_text = _target(request.target)
    query = parse_query(query_text)
    if ";" in query_text:
        raise Refused("noncanonical_query", "the query has a semicolon, which some servers take for a separator")
    for name, values in query.items():
        if len(values) > 1 and name not in _REPEATABLE:
            raise Refused("repeated_parameter", f"the parameter `{name[:60]}` stands more than once")
    info = request_info(request.method, path, query)
    span = (0, len(raw))
    line = Line()
    _identity(request, line, span)
    if info.resource is None:
        _about_no_resource(request, info, query, line, span)
    else:
        _about_resource(request, info, query, line, span, shell)
    return line


def _target(target: str) -> tuple[str, str]:
    if "://" in target:
        # WHY: a proxy may be asked with the whole URL; only the path and query are judged here.
        parse_url(target)
        target = "/" + target.partition("://")[2].partition("/")[2]
    if "#" in target or "\\" in target:
        raise Refused("noncanonical_path", "the target has a fragment or a backslash")
    path, _, query = target.partition("?")
    return path, query


def _identity(request: WireRequest, line: Line, span: tuple[int, int]) -> None:
    """Headers that say who asks: impersonation is an operation of its own, an authenticating proxy's are refused."""
    subjects: list[str] = []
    has_user = False
    for name, value in request.headers:
        plain = name.replace("_", "-")
        if plain.startswith("x-remote-"):
            raise Refused("identity_header", f"the header `{name[:60]}` is one that only an authenticating proxy sets")
        if plain.startswith("impersonate-"):
            if plain != name:
                raise Refused("identity_header", f"the header `{name[:60]}` is impersonation in another spelling")
            has_user |= name == "impersonate-user"
            subjects.append(f"{name.removeprefix('impersonate-')}:{value}")
        if name == "connection" and not {word.strip().lower() for word in value.split(",")} <= _HOP_BY_HOP:
            raise Refused("connection_header", "the Connection header names other headers, which a proxy would drop")
    if subjects and not has_user:
        raise Refused("impersonation", "the request impersonates a group without a user")
    if subjects:
        line.features.add("impersonation")
        targets = tuple(Target("role", subject[:500], Access.GRANT) for subject in subjects)
        line.operations.append(Operation("impersonate", EFFECTS["impersonate"], ("top", "impersonate"), targets, span))


def _about_no_resource(
    request: WireRequest, info: Info, query: dict[str, tuple[str, ...]], line: Line, span: tuple[int, int]
) -> None:
    is_info = info.verb in _GET_LIKE and is_info_path(info.path) and not request.body
    facts = Kubernetes(verb=info.verb, path=info.path, query=query)
    line.operations.append(operation_of(facts, ("top",), span, "server_info" if is_info else "server_call"))
    if not is_info:
        line.problem("unknown_path", "the path is about no resource and none that the server is known to have")


def _about_resource(
    request: WireRequest,
    info: Info,
    query: dict[str, tuple[str, ...]],
    line: Line,
    span: tuple[int, int],
    shell: ShellReader | None,
) -> None:
    assert info.resource is not None
    kind = kind_of(info.verb, info.group, info.resource, info.subresource)
    runs = kind in ("exec", "attach")
    command = query.get("command", ())
    facts = Kubernetes(
        verb=info.verb,
        group=info.group,
        version=info.version,
        resource=info.resource,
        subresource=info.subresource,
        namespace=info.namespace,
        all_namespaces=info.namespace is None and _stands_in_namespace(info),
        name=info.name,
        query=query,
        selector=(query.get("labelSelector") or query.get("fieldSelector") or (None,))[0],
        is_all=info.name is None
        and info.verb != "create"
        and not narrows(*((query.get(one) or ("",))[0] for one in ("labelSelector", "fieldSelector"))),
        container=(query.get("container") or (None,))[0],
        argv=command if kind == "exec" else None,
        stdin=runs and is_set(query.get("stdin")),
        tty=runs and is_set(query.get("tty")),
        dry_run=_is_dry_run(info.verb, kind, query, bool(request.body)),
        force=(query.get("gracePeriodSeconds") or ("",))[0] == "0",
    )
    if info.is_prefixed:
        line.features.add("watch_prefix")
    if kind == "unknown":
        raise Refused("unknown_verb", f"the method `{request.method[:20]}` is none that the server has for resources")
    if kind in ("port_forward", "proxy"):
        line.features.add("opaque_connection")
    wanted = request.values(SHELL_HEADER)
    if wanted:
        kind = _shell(wanted, kind, facts)
    bodies = _bodies(request, info, kind)
    if kind == "patch" and "apply-patch" in (request.value("content-type") or ""):
        kind = "apply"
    for number, body in enumerate(bodies or [None]):
        line.operations.append(_with_body(facts, body, ("top",) if number == 0 else ("top", "list"), span, kind))
        line.features |= body.features if body is not None else set()
        line.is_complete &= body is None or "partial_rule" not in body.features
    if any(one.kubernetes is not None and one.kubernetes.dry_run for one in line.operations):
        line.features.add("dry_run")
    if kind == "exec":
        _run(inside_container(command, ("top", "exec"), shell, stdin=facts.stdin), line, has_command=bool(command))
    if kind == "raw_shell":
        line.features.add("unjudged")
        line.is_complete = False
    if kind == "attach" and facts.stdin:
        line.features.add("shell_text")
        line.is_complete = False


def _is_dry_run(verb: str, kind: str, query: dict[str, tuple[str, ...]], has_body: bool) -> bool:
    """Whether the query asks the server to change nothing, where the server listens to that."""
    if kind in _NEVER_DRY or verb not in _WRITES or (verb in _DELETES and has_body):
        # WHY the body: options in it are those of the deletion, and the server then reads none in the query.
        return False
    return "All" in query.get("dryRun", ())


def _shell(wanted: Sequence[str], kind: str, facts: Kubernetes) -> str:
    """Which shell an exec is that asks for one. Raises Refused for what nobody asks for so."""
    is_one = kind == "exec" or (kind == "attach" and wanted[0] == "raw")
    if not is_one or not (facts.stdin and facts.tty) or len(wanted) != 1 or wanted[0] not in SHELLS:
        raise Refused("unknown_shell", f"`{SHELL_HEADER}` says which shell an exec on a terminal is to be")
    return SHELLS[wanted[0]]


def _run(inside: Inside, line: Line, *, has_command: bool) -> None:
    line.operations.extend(inside.operations)
    line.features |= inside.features
    line.is_complete &= inside.is_complete
    if not has_command:
        line.problem("missing_command", "the exec has no command: the container's runtime would choose")


def _with_body(
    facts: Kubernetes, body: Body | None, via: tuple[str, ...], span: tuple[int, int], kind: str
) -> Operation:
    if body is not None:
        facts = replace(
            facts,
            name=facts.name or (body.name if facts.verb == "create" else None),
            body_kind=body.kind,
            replicas=body.replicas,
            pods=body.pods,
            rbac=body.rbac,
            force=facts.force or body.is_forced,
            dry_run=facts.dry_run or (body.is_dry_run and facts.verb in _DELETES),
        )
        if body.makes_token and kind in _PUTS and facts.resource == "secrets":
            kind = "create_token"
    return answered(operation_of(facts, via, span, kind))


def _bodies(request: WireRequest, info: Info, kind: str) -> list[Body]:
    if not request.body or kind in ("proxy", "exec", "attach", "port_forward", "guarded_shell", "raw_shell"):
        return []
    encoding = request.value("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise Refused("unread_body", "a compressed body is not read")
    is_whole = info.verb in ("create", "update")
    return read_body(request.body, request.value("content-type"), is_access=kind == "change_access", is_whole=is_whole)


def _stands_in_namespace(info: Info) -> bool:
    known = BY_NAME.get(info.resource or "")
    return known is not None and known.group == info.group and known.namespaced is True
