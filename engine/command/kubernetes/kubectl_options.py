"""Options of kubectl 1.34 and of the words of its commands: which take a value, what the short ones stand for.

Read off `kubectl COMMAND --help`. An option that is not here is a problem: it could take the next word with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.command.documents.refusal import Refused

_BOOLEAN = """
    all all-containers all-namespaces all-pods allow-missing-template-keys append-hash append-server-path
    arguments-only as-current-user attach cached client command create-annotation current delete-emptydir-data
    delete-local-data disable-compression disable-eviction disable-filter edit embed-certs enable-alpha-plugins
    enable-helm exec-provide-cluster-info expose flatten follow force force-conflicts global-default helm-debug help
    ignore-daemonsets ignore-errors ignore-not-found insecure-skip-tls-verify insecure-skip-tls-verify-backend
    interactive keep-annotations keep-init-containers keep-labels keep-liveness keep-readiness keep-startup
    leave-stdin-open list local match-server-version merge minify name-only namespaced network no-headers
    no-preserve now openapi-patch output-patch output-watch-events overwrite prefix previous privileged prune quiet
    record recursive remove-extra-permissions remove-extra-subjects replace resolve rm same-node save-config
    server-print server-side set-raw-bytes share-processes short show-all show-capacity show-events show-kind
    show-labels show-managed-fields show-swap stdin sum timestamps tty use-protocol-buffers wait
    warnings-as-errors watch watch-only windows-line-endings
"""
_VALUED = """
    accept-hosts accept-paths address aggregation-rule annotation annotations api-group api-prefix api-version as
    as-group as-uid as-user-extra audience auth-provider auth-provider-arg bound-object-kind bound-object-name
    bound-object-uid cache-dir categories cert certificate-authority chunk-size class client-certificate client-key
    cluster cluster-ip clusterip clusterrole concurrency container containers context copy-to cpu cpu-percent
    current-replicas custom default-backend description docker-email docker-password docker-server docker-username
    duration env exec-api-version exec-arg exec-command exec-env exec-interactive-mode external-ip external-name
    field-manager field-selector filename for from from-env-file from-file from-literal grace-period group hard
    helm-api-versions helm-command helm-kube-version image image-pull-policy keepalive key keys kubeconfig kuberc
    kustomize label-columns labels limit-bytes limits load-balancer-ip load-restrictor log-file log-flush-frequency
    max max-log-requests max-unavailable memory min min-available mount name namespace namespaces network-name
    node-port node-selector non-resource-url output output-directory output-version override-type overrides password
    patch patch-file pod-running-timeout pod-selector port preemption-policy prefix profile profile-output protocol
    proxy-url prune-allowlist prune-whitelist raw reject-methods reject-paths replicas request-timeout requests
    resource resource-name resource-version restart retries revision role rule schedule scopes selector server
    serviceaccount session-affinity set-image since since-time skip-wait-for-delete-timeout sort-by stderrthreshold
    subresource tail target target-port tcp template timeout tls-server-name to-revision token type types
    unix-socket user username v validate value verb verbs vmodule www www-prefix generator dry-run-strategy
"""
BOOLEAN = frozenset(_BOOLEAN.split())
VALUED = frozenset(_VALUED.split())
OPTIONAL = frozenset({"dry-run", "cascade", "validate"})
"""Options whose value must be joined with `=`; alone they stand for their usual one."""

SHORT = dict(
    pair.split("=")
    for pair in (
        *("A=all-namespaces", "R=recursive", "i=stdin", "t=tty", "q=quiet", "h=help", "w=watch", "f=filename"),
        *("k=kustomize", "o=output", "l=selector", "c=container", "r=replicas", "L=label-columns", "e=env"),
        *("p=patch", "n=namespace", "s=server", "v=v", "u=unix-socket", "P=www-prefix", "a=show-all"),
    )
)
SHORT_IN: dict[str, dict[str, str]] = {
    "logs": {"f": "follow", "p": "previous"},
    "delete": {"i": "interactive"},
    "proxy": {"w": "www", "p": "port"},
    "expose": {"l": "labels"},
    "run": {"l": "labels"},
    "set": {"c": "containers"},
}
BOOLEAN_IN: dict[str, frozenset[str]] = {"config": frozenset({"raw"}), "top": frozenset({"containers"})}
VALUED_IN: dict[str, frozenset[str]] = {"set": frozenset({"prefix"})}


@dataclass(slots=True)
class Words:
    """A kubectl line taken apart. A word or value is None where it is no literal."""

    verb: str | None = None
    positional: list[str | None] = field(default_factory=list)
    after_dashes: list[str | None] | None = None
    options: dict[str, list[str | None]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    is_verb_dynamic: bool = False

    def has(self, name: str) -> bool:
        """Whether a boolean option is on; one whose value is no literal counts as on."""
        values = self.options.get(name)
        return bool(values) and values is not None and (values[-1] or "true").lower() not in ("false", "0", "f")

    def value(self, name: str) -> str | None:
        """The last value of an option, None when it is absent or no literal."""
        values = self.options.get(name)
        return values[-1] if values else None

    def values(self, name: str) -> list[str | None]:
        return self.options.get(name, [])


def read_words(argv: Sequence[str | None]) -> Words:
    """The words behind `kubectl`. Raises Refused when an option's value is missing."""
    words = Words()
    at = 0
    while at < len(argv):
        word = argv[at]
        at += 1
        if word is None:
            _place(words, None)
        elif word == "--":
            words.after_dashes = list(argv[at:])
            break
        elif word.startswith("--"):
            at = _long(words, word[2:], argv, at)
        elif word.startswith("-") and len(word) > 1:
            at = _short(words, word[1:], argv, at)
        else:
            _place(words, word)
    return words


def _place(words: Words, word: str | None) -> None:
    if words.verb is None and not words.is_verb_dynamic:
        words.verb, words.is_verb_dynamic = word, word is None
    else:
        words.positional.append(word)


def _long(words: Words, text: str, argv: Sequence[str | None], at: int) -> int:
    name, equals, value = text.partition("=")
    verb = words.verb or ""
    is_boolean = name in BOOLEAN_IN.get(verb, ()) or (name in BOOLEAN and name not in VALUED_IN.get(verb, ()))
    if is_boolean or name in OPTIONAL:
        words.options.setdefault(name, []).append(value if equals else "true")
    elif name in VALUED:
        if equals:
            words.options.setdefault(name, []).append(value)
            return at
        return _next_value(words, name, argv, at)
    else:
        words.unknown.append(f"--{name[:40]}")
    return at


def _next_value(words: Words, name: str, argv: Sequence[str | None], at: int) -> int:
    if at >= len(argv):
        raise Refused("missing_value", f"the option `{name[:40]}` has no value")
    words.options.setdefault(name, []).append(argv[at])
    return at + 1


def _short(words: Words, text: str, argv: Sequence[str | None], at: int) -> int:
    short = SHORT | SHORT_IN.get(words.verb or "", {})
    for number, letter in enumerate(text):
        name = short.get(letter)
        if name is None:
            words.unknown.append(f"-{letter}")
            return at
        rest = text[number + 1 :]
        if name in BOOLEAN and not rest.startswith("="):
            words.options.setdefault(name, []).append("true")
            continue
        if rest:
            words.options.setdefault(name, []).append(rest.removeprefix("="))
            return at
        return _next_value(words, name, argv, at)
    return at
