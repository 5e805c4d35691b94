"""What the words of a Kubernetes command mean: kinds, features, steps of `via`; and which kind a request is.

Policies are checked against these tables, and `docs/commands.md` is written from them.
"""

from __future__ import annotations

from engine.command.tree import Access, Effect
from engine.command.words import Kind

KINDS: tuple[Kind, ...] = (
    Kind("unknown", Effect.UNKNOWN, "Something this parser does not know or refuses to read; never harmless"),
    Kind("get", Effect.READ, "One object is read"),
    Kind("list", Effect.READ, "Objects are listed"),
    Kind("watch", Effect.READ, "Objects and their changes are streamed"),
    Kind("logs", Effect.READ, "Output of a container is read (`pods/log`)"),
    Kind(
        "review", Effect.READ, "A question about rights or a token is asked (reviews of authorization, authentication)"
    ),
    Kind("server_info", Effect.READ, "A path about no resource is read: health, version, discovery, metrics"),
    Kind(
        "server_call", Effect.UNKNOWN, "A path about no resource is called with another verb, or is none the server has"
    ),
    Kind("create", Effect.CREATE, "An object is made"),
    Kind("update", Effect.WRITE, "An object is replaced"),
    Kind("patch", Effect.WRITE, "An object is changed in part"),
    Kind("apply", Effect.WRITE, "An object is made or changed, whichever is needed"),
    Kind("scale", Effect.WRITE, "The number of replicas is set (`scale`)"),
    Kind("cordon", Effect.WRITE, "A node takes no new pods, or takes them again"),
    Kind("delete", Effect.DELETE, "One object is deleted"),
    Kind("deletecollection", Effect.DELETE, "Every object that matches is deleted"),
    Kind("evict", Effect.DELETE, "A pod is evicted (`pods/eviction`)"),
    Kind("finalize", Effect.DELETE, "Finalizers of a namespace are replaced, so that it goes away"),
    Kind("exec", Effect.EXECUTE, "A program runs in a container"),
    Kind(
        "guarded_shell",
        Effect.SESSION,
        "A shell of the gateway's own in a container (`exec -it POD -- bash`): each line that is typed is an `exec` by itself",
    ),
    Kind(
        "raw_shell",
        Effect.EXECUTE,
        "A shell on a terminal of a container, or whatever `attach -it` joins: recorded, judged by nobody",
    ),
    Kind("attach", Effect.EXECUTE, "The streams of a container's own process are joined: as exec when it is a shell"),
    Kind("port_forward", Effect.EXECUTE, "Connections are carried into a pod; what runs over them is not seen"),
    Kind(
        "proxy", Effect.EXECUTE, "Requests are carried to a pod, service or kubelet (`proxy`); a kubelet runs commands"
    ),
    Kind("ephemeral_container", Effect.EXECUTE, "A container is put into a running pod (`pods/ephemeralcontainers`)"),
    Kind("api_proxy", Effect.EXECUTE, "kubectl opens a local port to the whole API with its own rights"),
    Kind("change_access", Effect.GRANT, "Roles or bindings are made, changed or deleted"),
    Kind("create_token", Effect.GRANT, "A token of a service account is made (`serviceaccounts/token`)"),
    Kind("approve_certificate", Effect.GRANT, "A certificate is approved, denied or signed"),
    Kind("impersonate", Effect.GRANT, "The request acts as somebody else (`Impersonate-*`, `--as`)"),
    Kind("client_info", Effect.READ, "kubectl prints something of its own: help, completion, its configuration"),
    Kind("client_config", Effect.SESSION, "kubectl's own configuration changes: which cluster, as whom"),
    Kind("client_file", Effect.READ, "A local file is read by kubectl"),
    Kind("client_write", Effect.WRITE, "A local file is written by kubectl"),
    Kind("plugin", Effect.EXECUTE, "A kubectl command nobody knows: a plugin, a program of its own"),
    Kind("program", Effect.EXECUTE, "A program in a container, where no parser of shells looked at it"),
)

KIND_NAMES: frozenset[str] = frozenset(kind.name for kind in KINDS)
EFFECTS: dict[str, Effect] = {kind.name: kind.effect for kind in KINDS}

ACCESS: dict[Effect, Access] = {
    Effect.READ: Access.READ,
    Effect.WRITE: Access.WRITE,
    Effect.CREATE: Access.CREATE,
    Effect.DELETE: Access.DELETE,
    Effect.EXECUTE: Access.EXECUTE,
    Effect.GRANT: Access.GRANT,
    Effect.SESSION: Access.SET,
    Effect.UNKNOWN: Access.EXECUTE,
}

FEATURES: dict[str, str] = {
    "dynamic_argument": "a word of a kubectl line is computed when it runs",
    "dry_run": "the server is asked to change nothing",
    "identity_header": "a header that authenticating proxies set (`X-Remote-User` ...) is in the request",
    "impersonation": "the request acts as somebody else",
    "insecure_tls": "the server's certificate is not checked",
    "kustomize": "a folder of kustomize is built and sent",
    "local_file": "kubectl reads or writes a file where it runs, beside what it sends (a template, a profile, its own configuration)",
    "opaque_connection": "what runs over a carried connection is not seen",
    "other_cluster": "a kubectl option chooses another cluster, server, proxy, context or identity, or its configuration comes to say another one",
    "patch_directive": "a patch has directives (`$patch`, `$retainKeys` ...) that delete or replace",
    "partial_rule": "a patch changes part of a rule of a role: what it gives with the rest of it is not seen",
    "runs_others": "a program in a container runs others (`env`, `find`, `python` ...), which are not seen",
    "secret_literal": "a password, token or secret value stands in the command",
    "shell_text": "a shell in a container is given a text or reads its standard input",
    "unjudged": "what is typed afterwards runs without being asked about",
    "unknown_resource": "a resource that no built-in group has",
    "unseen_body": "what is sent, or a template of what is shown, stands in a file, a URL or standard input that is not seen",
    "watch_prefix": "the deprecated path prefix `watch` is used",
}

VIA: dict[str, str] = {
    "top": "the request, or the kubectl line, itself",
    "kubectl": "a request that a kubectl line makes on the way",
    "exec": "what a container is told to run",
    "impersonate": "the act as somebody else",
    "list": "an item of a list, a document of several",
}

_RBAC = "rbac.authorization.k8s.io"
_RBAC_RESOURCES = frozenset({"roles", "rolebindings", "clusterroles", "clusterrolebindings"})
_CHANGES = frozenset({"create", "update", "patch", "delete", "deletecollection", "apply"})
SHELL_HEADER = "sallyport-shell"
"""A header that only the gateway sets, on an exec that asks for a shell: which one it is to be. Clients' own are refused."""
SHELLS = {"guarded": "guarded_shell", "raw": "raw_shell"}

_RUNS = {"exec": "exec", "attach": "attach", "portforward": "port_forward", "proxy": "proxy"}
_BY_SUBRESOURCE: dict[tuple[str, str], str] = {
    ("pods", "ephemeralcontainers"): "ephemeral_container",
    ("pods", "eviction"): "evict",
    ("namespaces", "finalize"): "finalize",
    ("serviceaccounts", "token"): "create_token",
    ("certificatesigningrequests", "approval"): "approve_certificate",
    ("certificatesigningrequests", "status"): "approve_certificate",
}


def kind_of(verb: str, group: str | None, resource: str, subresource: str | None) -> str:
    """The kind of a request about a resource. A verb that the server does not have is `unknown`."""
    if subresource in _RUNS:
        # WHY: a WebSocket exec is a GET. Whatever the verb, these run something (docs: the verb trap).
        return _RUNS[subresource]
    if verb == "proxy":
        return "proxy"
    if verb in _CHANGES:
        if group in (_RBAC, None) and resource in _RBAC_RESOURCES:
            return "change_access"
        if subresource is not None and (resource, subresource) in _BY_SUBRESOURCE:
            return _BY_SUBRESOURCE[resource, subresource]
        if subresource == "scale":
            return "scale"
        if verb == "create" and resource.endswith("reviews") and _is_review_group(group):
            return "review"
        return verb
    if verb in ("get", "list", "watch"):
        return "logs" if (resource, subresource) == ("pods", "log") else verb
    return "unknown"


def _is_review_group(group: str | None) -> bool:
    return group in ("authorization.k8s.io", "authentication.k8s.io")
