"""Files that kubectl reads or writes where it runs, beside the objects it sends: templates, profiles, its own configuration.

Not here: files of objects (`-f`, `-k`: `kubectl_scene`), files that become values of an object (`create --from-file`:
`kubectl_objects`), both sides of `cp` (`kubectl_running`). Called by `kubectl` for every line that runs a command.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.command.kubernetes.kubectl_scene import Scene
from engine.command.tree import Access, Target

_TEMPLATES = ("go-template-file", "jsonpath-file", "custom-columns-file", "templatefile")
_READ = ("custom", "patch-file")
_WRITTEN = ("cache-dir", "log-file", "output-directory")
_CONFIGURATION = "~/.kube/config"


def local_files(scene: Scene) -> None:
    """An operation for each such file that the options of a line name."""
    words = scene.words
    for output in words.values("output"):
        form, equals, named = (output or "").partition("=")
        if form in _TEMPLATES:
            # WHY unseen: a template decides what is shown, and may show the file itself.
            scene.local_file(named if equals else words.value("template"), Access.READ)
            scene.line.unseen("unseen_body")
    for name in _READ:
        for path in words.values(name):
            scene.local_file(path, Access.READ)
    for path in _written(scene):
        scene.local_file(path, Access.WRITE)
    if words.verb == "config" and words.has("raw"):
        scene.local_file(words.value("kubeconfig") or _CONFIGURATION, Access.READ)


def _written(scene: Scene) -> Iterator[str | None]:
    words = scene.words
    for name in _WRITTEN:
        yield from (path for path in words.values(name) if path not in ("", "-"))
    is_profiled = words.verb != "debug" and any(value != "none" for value in words.values("profile"))
    if is_profiled or "profile-output" in words.options:
        yield words.value("profile-output") if "profile-output" in words.options else "profile.pprof"
    if words.verb == "kustomize":
        yield from words.values("output")


def reached(scene: Scene) -> Iterator[Target]:
    """Where a line goes instead of the cluster that it is judged for, and the files that say so."""
    for name in ("server", "proxy-url"):
        for url in scene.words.values(name):
            place = (url or "?").rpartition("://")[2].partition("/")[0].rpartition("@")[2]
            yield Target("host", place[:500] or "?", Access.EXECUTE)
    for name in ("kubeconfig", "kuberc"):
        for path in scene.words.values(name):
            yield Target("file", (path or "?")[:1000], Access.READ)
