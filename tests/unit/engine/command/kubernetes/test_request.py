"""Requests to the API server as commands."""

from __future__ import annotations

import json

import pytest

from engine.command.kubernetes.parse import parse_kubernetes
from engine.command.tree import Command, Effect, Operation
from tests.web_requests import api, codes, kinds, raw_request

POD = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"securityContext": {"privileged": True}}]}}
EXEC = "/api/v1/namespaces/a/pods/web/exec"


def test_a_request_has_the_servers_names() -> None:
    command = api("GET", "/apis/apps/v1/namespaces/a/deployments/b/status?pretty=1")
    facts = command.kubernetes
    assert facts is not None
    assert (facts.verb, facts.group, facts.version, facts.resource, facts.subresource, facts.namespace, facts.name) == (
        *("get", "apps", "v1", "deployments", "status", "a", "b"),
    )
    assert facts.query == {"pretty": ("1",)}
    assert command.complete


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_exec_is_the_argv_of_every_command_parameter_in_order(method: str) -> None:
    command = api(method, f"{EXEC}?command=ls&container=c&command=-l&stdin=true&stdout=1&tty=0&command=%2Ftmp")
    facts = command.kubernetes
    assert facts is not None
    assert (facts.argv, facts.container, facts.stdin, facts.tty) == (("ls", "-l", "/tmp"), "c", True, False)
    assert [(one.kind, one.effect) for one in command.operations] == [("exec", "execute"), ("inspect", "read")]
    assert command.operations[1].via == ("top", "exec")


def test_exec_of_a_shell_is_not_seen_to_the_bottom_without_a_parser() -> None:
    text = raw_request("POST", f"{EXEC}?command=sh&command=-c&command=rm%20-rf%20/")
    command = parse_kubernetes(text).command
    assert not command.complete
    assert "shell_text" in command.features
    assert not api("POST", EXEC).complete


def test_exec_goes_through_the_shells_parser() -> None:
    def shell(text: str) -> Command:
        return Command("shell", text, "d", (Operation("delete_file", Effect.DELETE, ("top",)),), (), True)

    command = parse_kubernetes(raw_request("POST", f"{EXEC}?command=sh&command=-c&command=rm%20x"), shell).command
    assert kinds(command) == ["exec", "delete_file"]
    assert command.operations[1].via == ("top", "exec")
    assert command.complete


@pytest.mark.parametrize(
    "query", ["command=a&container=b&container=c", "command=a&stdin=1&stdin=0", "command=a&tty=0&tty=1"]
)
def test_parameters_of_which_one_counts_stand_once(query: str) -> None:
    assert codes(api("POST", f"{EXEC}?{query}")) == ["repeated_parameter"]


def test_the_same_object_twice_in_a_list_query_is_refused() -> None:
    assert codes(api("GET", "/api/v1/pods?fieldSelector=a=b&fieldSelector=metadata.name=c")) == ["repeated_parameter"]
    assert codes(api("GET", "/api/v1/pods?watch=0;watch=1")) == ["noncanonical_query"]


def test_attach_with_input_is_an_open_end() -> None:
    path = "/api/v1/namespaces/a/pods/web/attach"
    assert not api("POST", f"{path}?stdin=true").complete
    assert api("GET", path).complete
    assert kinds(api("GET", path)) == ["attach"]


def test_carried_connections_are_not_seen() -> None:
    for path, kind in (
        ("/api/v1/namespaces/a/pods/web/portforward", "port_forward"),
        ("/api/v1/nodes/n/proxy/run/a/b/c", "proxy"),
        ("/api/v1/namespaces/a/services/https:s:443/proxy/admin", "proxy"),
        ("/api/v1/proxy/nodes/n", "proxy"),
    ):
        command = api("GET", path)
        assert kinds(command) == [kind]
        assert "opaque_connection" in command.features


def test_bodies_give_facts() -> None:
    command = api("POST", "/api/v1/namespaces/a/pods?dryRun=All", POD)
    facts = command.kubernetes
    assert facts is not None
    assert facts.pods is not None
    assert (facts.pods.privileged, facts.body_kind, facts.name, facts.dry_run) == (True, "Pod", "p", True)
    assert "dry_run" in command.features


def test_a_list_in_a_body_is_an_operation_for_each_item() -> None:
    command = api("POST", "/api/v1/namespaces/a/pods", {"kind": "PodList", "items": [POD, POD]})
    assert [one.via for one in command.operations] == [("top",), ("top", "list")]


def test_applying_is_a_kind_of_its_own() -> None:
    command = api(
        "PATCH",
        "/api/v1/namespaces/a/pods/p",
        "kind: Pod\nspec: {hostPID: true}\n",
        {"Content-Type": "application/apply-patch+yaml"},
    )
    assert kinds(command) == ["apply"]
    assert command.kubernetes is not None
    assert command.kubernetes.pods is not None


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PATCH", "/api/v1/namespaces/a/pods/p/ephemeralcontainers", "ephemeral_container"),
        ("POST", "/api/v1/namespaces/a/pods/p/eviction", "evict"),
        ("POST", "/api/v1/namespaces/a/serviceaccounts/s/token", "create_token"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "change_access"),
        ("PUT", "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval", "approve_certificate"),
        ("DELETE", "/api/v1/namespaces/a/pods", "deletecollection"),
    ],
)
def test_subresources_have_kinds_of_their_own(method: str, path: str, kind: str) -> None:
    assert kinds(api(method, path, {"kind": "X"})) == [kind]


def test_impersonation_is_an_operation() -> None:
    command = api("GET", "/api/v1/pods", headers={"Impersonate-User": "root", "Impersonate-Group": "system:masters"})
    assert kinds(command) == ["impersonate", "list"]
    assert [target.name for target in command.operations[0].targets] == ["user:root", "group:system:masters"]
    assert "impersonation" in command.features


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Impersonate-Group": "x"}, "impersonation"),
        ({"Impersonate_User": "x"}, "identity_header"),
        ({"X-Remote-User": "x"}, "identity_header"),
        ({"X_Remote_Extra-Scopes": "x"}, "identity_header"),
        ({"Connection": "close, Impersonate-User"}, "connection_header"),
        ({"Content-Encoding": "gzip"}, "unread_body"),
    ],
)
def test_headers_that_change_who_asks_are_refused(headers: dict[str, str], code: str) -> None:
    assert codes(api("POST", "/api/v1/namespaces/a/pods", POD, headers)) == [code]


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/apis/apps/v1", "/healthz", "/livez/ping", "/version", "/openapi/v3/apis/apps/v1", "/metrics"],
)
def test_paths_the_server_has_are_information(path: str) -> None:
    command = api("GET", path)
    assert (kinds(command), command.complete) == (["server_info"], True)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/logs/kubelet.log"), ("GET", "/debug/pprof/heap"), ("POST", "/version"), ("GET", "/x")],
)
def test_other_paths_are_unknown(method: str, path: str) -> None:
    command = api(method, path)
    assert (kinds(command), command.complete) == (["server_call"], False)


def test_a_method_the_server_does_not_have_is_unknown() -> None:
    assert codes(api("OPTIONS", "/api/v1/pods")) == ["unknown_verb"]


def test_the_whole_url_may_be_the_target() -> None:
    command = parse_kubernetes(raw_request("GET", "https://k:6443/api/v1/pods")).command
    assert kinds(command) == ["list"]
    assert command.kubernetes is not None
    assert command.kubernetes.all_namespaces
    assert codes(parse_kubernetes(raw_request("GET", "https://k/../api/v1/pods")).command) == ["noncanonical_path"]
    assert codes(parse_kubernetes(raw_request("GET", "/api/v1/pods#x")).command) == ["noncanonical_path"]


def test_duplicate_keys_are_refused() -> None:
    body = json.dumps(POD)[:-1] + ', "kind": "ConfigMap"}'
    assert codes(api("POST", "/api/v1/namespaces/a/pods", body)) == ["json_duplicate_key"]


def test_selection_and_force_are_facts() -> None:
    facts = api("DELETE", "/api/v1/namespaces/a/pods?labelSelector=app%3Dx&gracePeriodSeconds=0").kubernetes
    assert facts is not None
    assert (facts.selector, facts.is_all, facts.force) == ("app=x", False, True)
    facts = api("DELETE", "/api/v1/namespaces/a/pods").kubernetes
    assert facts is not None
    assert (facts.is_all, facts.force) == (True, False)


@pytest.mark.parametrize(
    "query",
    ["labelSelector=", "labelSelector=%20", "labelSelector=%21x", "labelSelector=a%21%3Db", "fieldSelector=",
     "fieldSelector=metadata.namespace%3Da", "fieldSelector=metadata.name%21%3Dx", "fieldSelector=,", "labelSelector=x+notin+(y,z)"],
)  # fmt: skip
def test_a_selector_that_leaves_nothing_out_for_sure_is_none(query: str) -> None:
    facts = api("DELETE", f"/api/v1/namespaces/a/pods?{query}").kubernetes
    assert facts is not None
    assert facts.is_all


@pytest.mark.parametrize(
    ("method", "path", "body", "is_dry"),
    [
        ("POST", "pods?dryRun=All", {"kind": "Pod"}, True),
        ("POST", "pods", {"kind": "Pod", "dryRun": ["All"]}, False),
        ("DELETE", "pods/x?dryRun=All", None, True),
        ("DELETE", "pods/x?dryRun=All", {"kind": "DeleteOptions"}, False),
        ("DELETE", "pods?dryRun=All", {}, False),
        ("DELETE", "pods/x", {"kind": "DeleteOptions", "dryRun": ["All"]}, True),
        ("POST", "pods/x/exec?command=ls&dryRun=All", None, False),
        ("POST", "services/x/proxy/y?dryRun=All", None, False),
        ("POST", "serviceaccounts/x/token?dryRun=All", {}, False),
        ("GET", "pods?dryRun=All", None, False),
    ],
)
def test_a_dry_run_is_one_only_where_the_server_listens(method: str, path: str, body: object, is_dry: bool) -> None:
    command = api(method, f"/api/v1/namespaces/a/{path}", body)
    facts = command.operations[0].kubernetes
    assert facts is not None
    assert facts.dry_run is is_dry
    assert ("dry_run" in command.features) is is_dry


@pytest.mark.parametrize("kind", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"])
def test_a_secret_that_holds_a_token_of_the_cluster_is_a_token(kind: str) -> None:
    body = {"kind": "Secret", "metadata": {"name": "t"}, "type": kind}
    assert kinds(api("POST", "/api/v1/namespaces/a/secrets", body)) == ["create_token"]
    assert kinds(api("PUT", "/api/v1/namespaces/a/secrets/t", body)) == ["create_token"]
    assert kinds(api("POST", "/api/v1/namespaces/a/secrets", {**body, "type": "Opaque"})) == ["create"]


def test_who_creates_one_object_does_not_mean_all_of_its_kind() -> None:
    command = api("POST", "/api/v1/namespaces/a/pods", {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}})
    (facts,) = [one.kubernetes for one in command.operations]
    assert facts is not None
    assert (facts.name, facts.is_all) == ("x", False)
    assert api("DELETE", "/api/v1/namespaces/a/pods").operations[0].kubernetes.is_all  # type: ignore[union-attr]  # it has facts


def test_the_watch_prefix_is_a_feature() -> None:
    command = api("GET", "/api/v1/watch/secrets")
    assert (kinds(command), command.features) == (["watch"], ("watch_prefix",))


def shell_wanted(which: str, method: str = "GET", path: str = EXEC, query: str = "stdin=true&tty=true") -> Command:
    return api(method, f"{path}?command=bash&{query}", headers={"sallyport-shell": which})


def test_a_guarded_shell_is_no_exec_and_reads_nothing_by_itself() -> None:
    command = shell_wanted("guarded")
    assert [(one.kind, one.effect, one.via) for one in command.operations] == [("guarded_shell", "session", ("top",))]
    assert command.kubernetes is not None
    assert (command.kubernetes.argv, command.kubernetes.tty, command.complete) == (("bash",), True, True)


def test_a_raw_shell_is_never_seen_to_the_bottom() -> None:
    command = shell_wanted("raw")
    assert (kinds(command), command.complete, command.features) == (["raw_shell"], False, ("unjudged",))


@pytest.mark.parametrize(
    ("which", "path", "query"),
    [
        ("Guarded", EXEC, "stdin=true&tty=true"),
        ("guarded", EXEC, "stdin=true"),
        ("guarded", EXEC, "tty=true"),
        ("guarded", EXEC.replace("exec", "attach"), "stdin=true&tty=true"),
        ("raw", EXEC.removesuffix("/exec"), "stdin=true&tty=true"),
    ],
)
def test_the_word_for_a_shell_stands_on_an_exec_on_a_terminal_alone(which: str, path: str, query: str) -> None:
    command = shell_wanted(which, path=path, query=query)
    assert (kinds(command), codes(command)) == (["unknown"], ["unknown_shell"])


STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
CHANGES = {"Content-Type": "application/json-patch+json"}


@pytest.mark.parametrize("beside", [{"labels": {"kind": "Role"}}, {"ownerReferences": [{"kind": "ClusterRole"}]}])
def test_a_pod_is_seen_whatever_a_member_named_kind_says(beside: dict[str, object]) -> None:
    facts = api("POST", "/api/v1/namespaces/a/pods", {"kind": "Pod", "metadata": beside, "spec": {"hostPID": True}})
    assert facts.kubernetes is not None
    assert facts.kubernetes.pods is not None
    assert facts.kubernetes.pods.host_pid


def test_a_patch_that_says_it_is_a_list_is_seen() -> None:
    body = {"kind": "XList", "items": [], "spec": {"template": {"spec": {"hostPID": True}}}}
    facts = api("PATCH", "/apis/apps/v1/namespaces/a/deployments/x", body, STRATEGIC).kubernetes
    assert facts is not None
    assert facts.pods is not None
    assert facts.pods.host_pid


@pytest.mark.parametrize(
    ("method", "path", "body", "access"),
    [
        ("PATCH", "secrets/s?dryRun=All", {}, ["write", "read"]),
        ("DELETE", "secrets?labelSelector=a%3Db&dryRun=All", None, ["delete", "read"]),
        ("DELETE", "secrets/s", None, ["delete", "read"]),
        ("POST", "secrets", {"kind": "Secret"}, ["create"]),
        ("PATCH", "configmaps/s", {}, ["write"]),
        ("GET", "secrets/s", None, ["read"]),
    ],
)
def test_what_the_answer_to_a_change_shows_is_read(method: str, path: str, body: object, access: list[str]) -> None:
    command = api(method, f"/api/v1/namespaces/a/{path}", body, STRATEGIC if body is not None else None)
    assert [one.access for one in command.operations[0].targets] == access


@pytest.mark.parametrize(
    ("change", "is_complete"),
    [
        ({"op": "add", "path": "/rules/0/verbs/-", "value": "*"}, False),
        ({"op": "replace", "path": "/rules/0/resources/0", "value": "secrets"}, False),
        ({"op": "remove", "path": "/rules/0/resourceNames"}, False),
        (
            {"op": "add", "path": "/rules/-", "value": {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}},
            True,
        ),
        ({"op": "remove", "path": "/rules/0"}, True),
    ],
)
def test_a_patch_of_part_of_a_rule_is_not_complete(change: dict[str, object], is_complete: bool) -> None:
    command = api("PATCH", "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/r", [change], CHANGES)
    assert command.complete is is_complete
    assert ("partial_rule" in command.features) is not is_complete
