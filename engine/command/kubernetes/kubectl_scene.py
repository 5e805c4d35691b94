"""A kubectl line while it is read: its words, the objects they mean, and the operations found so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.bodies import read_manifest
from engine.command.kubernetes.inside import ShellReader
from engine.command.kubernetes.kinds import ACCESS, EFFECTS, kind_of
from engine.command.kubernetes.kubectl_options import Words
from engine.command.kubernetes.line import Line
from engine.command.kubernetes.operations import answered, operation_of
from engine.command.kubernetes.request_info import Info, is_info_path, request_info
from engine.command.kubernetes.resources import ALL, BY_NAME, Resource, resource_named
from engine.command.kubernetes.selectors import narrows
from engine.command.kubernetes.tree import Kubernetes, PodFacts
from engine.command.tree import Access, Operation, Target

MAX_OBJECTS = 500

Item = TypeVar("Item")

_READS = frozenset({"get", "list", "watch"})
_QUIET = frozenset("01234567")
"""How much kubectl may be asked to say of what it does before it shows the answers of the server whole."""
_SYNTAX = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._\-]*[a-zA-Z0-9])?")


@dataclass(slots=True)
class Scene:
    """Everything one command's function needs."""

    words: Words
    line: Line
    shell: ShellReader | None = None
    is_oc: bool = False

    def add(self, facts: Kubernetes, kind: str | None = None, *, via: tuple[str, ...] = ("top",)) -> Operation:
        """One request, in the namespace the line names unless the facts have one."""
        known = BY_NAME.get(facts.resource or "")
        is_cluster = known is not None and known.namespaced is False
        if facts.namespace is None and not is_cluster:
            is_everywhere = self.words.has("all-namespaces") or facts.all_namespaces
            namespace = None if is_everywhere else self.words.value("namespace")
            facts = replace(facts, namespace=namespace, all_namespaces=is_everywhere)
        dry = self.words.value("dry-run")
        if dry is not None and dry not in ("none", "false"):
            facts = replace(facts, dry_run=True)
            self.line.features.add("dry_run")
        operation = operation_of(facts, via, (0, 0), kind)
        if operation.kind == "change_access" or facts.group is not None:
            self.line.operations.append(operation)
            return operation
        self.line.features.add("unknown_resource")
        self.line.operations.append(operation)
        return operation

    def client(self, kind: str, what: str) -> None:
        """Something that kubectl does by itself."""
        effect = EFFECTS[kind]
        facts = Kubernetes(verb=what[:100])
        targets = (Target("program", f"kubectl {what[:100]}", ACCESS[effect]),)
        self.line.operations.append(Operation(kind, effect, ("top",), targets, kubernetes=facts))

    def local_file(self, path: str | None, access: Access) -> None:
        """A file that kubectl reads or writes where it runs, beside what it sends."""
        kind = "client_file" if access is Access.READ else "client_write"
        self.line.features.add("local_file")
        targets = (Target("file", (path or "?")[:1000], access),)
        self.line.operations.append(Operation(kind, EFFECTS[kind], ("top",), targets))

    def objects(self, positional: list[str | None] | None = None) -> list[tuple[Resource, str | None]]:
        """The objects that words mean: `TYPE NAME ...`, `TYPE/NAME ...`, `TYPE,TYPE`. A name is None for all of a type."""
        given = self.words.positional if positional is None else positional
        if len(given) > MAX_OBJECTS:
            raise Refused("too_many_objects", f"the line names more than {MAX_OBJECTS} objects")
        found: list[tuple[Resource, str | None]] = []
        if any(word is not None and "/" in word for word in given):
            for word in given:
                if word is None:
                    self.line.unseen("dynamic_argument")
                    continue
                kind, _, name = word.partition("/")
                found.append((self.resource(kind), name or None))
            return found
        if not given:
            return []
        first, names = given[0], given[1:]
        for resource in self.resources(first):
            found.extend((resource, self.name(name)) for name in names)
            if not names:
                found.append((resource, None))
            if len(found) > MAX_OBJECTS:
                raise Refused("too_many_objects", f"the line names more than {MAX_OBJECTS} objects")
        return found

    def resources(self, word: str | None) -> Iterator[Resource]:
        """The resources of a comma-separated word."""
        if word is None:
            self.line.unseen("dynamic_argument")
            yield Resource("?", None)
            return
        for part in dict.fromkeys(word.split(",")):
            if part.lower() == "all":
                yield from (resource_named(name) for name in ALL)
            elif part:
                yield self.resource(part)

    def resource(self, text: str) -> Resource:
        """The resource of one name; what is no name at all is not understood."""
        if not _SYNTAX.fullmatch(text):
            self.line.problem("resource_name", f"`{text[:60]}` is no name of a resource")
        return resource_named(text)

    def name(self, word: str | None) -> str | None:
        """A name, or None with a note that it is no literal."""
        if word is None:
            self.line.unseen("dynamic_argument")
        return word

    def each(
        self,
        verb: str,
        objects: list[tuple[Resource, str | None]],
        template: Kubernetes | None = None,
        kind: str | None = None,
    ) -> None:
        """The same request for each object."""
        base = template or Kubernetes(verb)
        selector = self.words.value("selector") or self.words.value("field-selector")
        for resource, name in objects:
            is_all = name is None and not self._is_narrowed()
            said = (
                "list"
                if verb == "get" and name is None
                else "deletecollection"
                if verb == "delete" and name is None
                else verb
            )
            facts = replace(base, verb=said, group=resource.group, resource=resource.plural, name=name,
                            selector=selector, is_all=is_all)  # fmt: skip
            self.add(
                facts, kind if kind is not None else kind_of(said, resource.group, resource.plural, base.subresource)
            )
            if resource.plural == "secrets" and verb in ("patch", "delete") and self._shows_objects():
                read = "list" if name is None else "get"
                self.add(replace(facts, verb=read), read, via=("top", "kubectl"))

    def _shows_objects(self) -> bool:
        """Whether kubectl shows objects that it changes, or their answers: `-o yaml`, `--template`, an editor, `-v=8`."""
        words = self.words
        shown = [value for value in words.values("output") if value not in ("", "name")]
        said = [value for value in words.values("v") if value not in _QUIET]
        return bool(shown or said) or "template" in words.options or words.verb == "edit"

    def _is_narrowed(self) -> bool:
        """Whether selectors pick some objects of a kind, as far as their words can be read."""
        given = {option: self.words.value(option) for option in ("selector", "field-selector")}
        is_unseen = any(option in self.words.options and value is None for option, value in given.items())
        return is_unseen or narrows(given["selector"], given["field-selector"])

    def files(self, verb: str, template: Kubernetes | None = None, kind: str | None = None) -> bool:
        """The objects of `-f` and `-k`: files, URLs, standard input, none of which is seen. False when there are none."""
        names = [("file", name) for name in self.words.values("filename")]
        names += [("kustomize", name) for name in self.words.values("kustomize")]
        if not names:
            return False
        targets = []
        for option, name in names:
            shown = "?" if name is None else name
            kind_of_file = "stdin" if shown == "-" else "url" if "://" in shown else "file"
            targets.append(Target(kind_of_file, shown[:1000], Access.READ))
            if option == "kustomize":
                self.line.features.add("kustomize")
        self.line.unseen("unseen_body")
        facts = replace(template or Kubernetes(verb), verb=verb, namespace=self.words.value("namespace"))
        chosen = kind or (verb if verb in EFFECTS else "unknown")
        if chosen in _READS:
            chosen = "get"
        self.line.operations.append(Operation(chosen, EFFECTS[chosen], ("top",), tuple(targets), kubernetes=facts))
        return True

    def raw(self, method: str) -> bool:
        """`--raw PATH`: a request of its own. False when there is none."""
        values = self.words.values("raw")
        if not values:
            return False
        path = values[-1]
        if path is None:
            self.line.unseen("dynamic_argument")
            self.client("unknown", "raw")
            return True
        path, _, query = path.partition("?")
        info: Info = request_info(method, path, {"watch": ("true",)} if "watch=" in query else {})
        facts = Kubernetes(info.verb, info.group, info.version, info.resource, info.subresource, info.namespace,
                           name=info.name, path=None if info.resource else path, is_all=info.name is None)  # fmt: skip
        is_info = method == "GET" and is_info_path(path)
        kind = None if info.resource else "server_info" if is_info else "server_call"
        self.line.operations.append(answered(operation_of(facts, ("top",), (0, 0), kind)))
        if kind == "server_call":
            self.line.problem("unknown_path", "the path is about no resource and none that the server is known to have")
        if method != "GET":
            self.line.unseen("unseen_body")
        return True

    def overrides(self, text: str | None, *, is_given: bool) -> PodFacts | None:
        """The facts of a JSON or YAML text in an option (`--overrides`, `-p`)."""
        if not is_given:
            return None
        if text is None:
            self.line.unseen("dynamic_argument")
            return None
        bodies = read_manifest(text.encode("utf-8", "replace"), is_whole=False)
        for body in bodies:
            self.line.features |= body.features
        return merged(*(body.pods for body in bodies))


def merged(*facts: PodFacts | None) -> PodFacts | None:
    """Facts of several sources as one: whatever any of them gives."""
    given = [one for one in facts if one is not None]
    if not given:
        return None

    def united(lists: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
        return tuple(dict.fromkeys(item for one in lists for item in one))

    return PodFacts(
        privileged=any(one.privileged for one in given),
        host_network=any(one.host_network for one in given),
        host_pid=any(one.host_pid for one in given),
        host_ipc=any(one.host_ipc for one in given),
        host_paths=united(one.host_paths for one in given),
        host_ports=united(one.host_ports for one in given),
        capabilities=united(one.capabilities for one in given),
        escalation=any(one.escalation for one in given),
        unconfined=any(one.unconfined for one in given),
        run_as_root=any(one.run_as_root for one in given),
        images=united(one.images for one in given),
        commands=united(one.commands for one in given),
        service_accounts=united(one.service_accounts for one in given),
        node_names=united(one.node_names for one in given),
        secrets=united(one.secrets for one in given),
    )
