"""Writes `engine/command/kubernetes/protobuf.tsv` from the Go types of k8s.io/api: `python -m tests.protobuf_table API APIMACHINERY`.

Both are folders of the Go modules (`go env GOMODCACHE`/k8s.io/...). A field of Go has its number and its name in JSON in its
tags; a message is named by its package, and a kind by its group and version.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

TABLE = ROOT / "engine" / "command" / "kubernetes" / "protobuf.tsv"
_VERSIONS = {"autoscaling": ("v1", "v2")}
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r'^\t(?:(\w+)\s+)?(\S+)\s+`json:"([^"]*)"(?: [^`]*?)?protobuf:"(\w+),(\d+)[^"]*"', re.MULTILINE)
_PLAIN = re.compile(r"^type (\w+) (string|int32|int64)$|^type (\w+) (\[\]string|map\[string\]string)$", re.MULTILINE)
_SCALARS = {"string": "string", "bool": "bool", "int32": "int", "int64": "int", "int": "int", "float64": "double"}
_WELL_KNOWN = {
    "metav1.Time": "time", "metav1.MicroTime": "time", "Time": "time", "MicroTime": "time", "resource.Quantity": "quantity",
    "intstr.IntOrString": "int_or_string", "runtime.RawExtension": "json", "types.UID": "string", "types.NodeName": "string",
    "FieldsV1": "json",
}  # fmt: skip


def packages(api: Path, machinery: Path) -> Iterator[tuple[str, str, str, str]]:
    """The package's name, its group, its version, its text."""
    yield "meta", "", "", (machinery / "pkg/apis/meta/v1/types.go").read_text(encoding="utf-8")
    for folder in sorted(one for one in api.iterdir() if (one / "v1" / "types.go").exists()):
        for version in _VERSIONS.get(folder.name, ("v1",)):
            place = folder / version
            found = re.search(r'GroupName = "(.*?)"', (place / "register.go").read_text(encoding="utf-8"))
            group = found[1] if found is not None else ""
            yield f"{folder.name}.{version}", group, version, (place / "types.go").read_text(encoding="utf-8")


def rows(api: Path, machinery: Path) -> Iterator[str]:
    known: dict[str, dict[str, str]] = {}
    texts = list(packages(api, machinery))
    for package, _, _, text in texts:
        known[package] = {}
        for found in _PLAIN.finditer(text):
            if found[1]:
                known[package][found[1]] = _SCALARS[found[2]]
            else:
                known[package][found[3]] = "strings" if found[4] == "[]string" else "map"
    for package, group, version, text in texts:
        for struct in _STRUCT.finditer(text):
            name, body = struct[1], struct[2]
            fields = sorted(_FIELD.finditer(body), key=lambda one: int(one[5]))
            if not fields and "TypeMeta" not in body:
                continue
            is_kind = "TypeMeta `json" in body and package != "meta"
            api_version = f"{group}/{version}" if group else version
            yield f"{package}.{name}\t{api_version if is_kind else '-'}"
            for field in fields:
                row = _row(package, field, known)
                if row is not None:
                    yield row


def _row(package: str, field: re.Match[str], known: dict[str, dict[str, str]]) -> str | None:
    json_name, is_inline = field[3].split(",")[0], ",inline" in field[3]
    if json_name == "-":
        return None
    kind, shape = field[2].removeprefix("*"), "inline" if is_inline else "one"
    if kind.removeprefix("v1.") == "ResourceList":
        return f"\t{field[5]}\t{json_name}\tmap\tquantity"
    if kind == "[]byte":
        return f"\t{field[5]}\t{json_name}\tone\tbytes"
    if kind.startswith("map[string]"):
        kind, shape = kind.removeprefix("map[string]"), "map"
        if kind == "[]byte":
            return f"\t{field[5]}\t{json_name}\tmap\tbytes"
    elif found := re.fullmatch(r"map\[\w+\](.*)", kind):
        kind, shape = found[1], "map"
    elif kind.startswith("[]"):
        kind, shape = kind.removeprefix("[]").removeprefix("*"), "many"
    return f"\t{field[5]}\t{json_name}\t{shape}\t{_type(package, kind, known)}"


def _type(package: str, kind: str, known: dict[str, dict[str, str]]) -> str:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind in _WELL_KNOWN and (kind not in ("Time", "MicroTime", "FieldsV1") or package == "meta"):
        return _WELL_KNOWN[kind]
    prefix, dot, name = kind.rpartition(".")
    where = package if not dot else {"metav1": "meta", "v1": "core.v1", "corev1": "core.v1"}.get(prefix, prefix)
    return known.get(where, {}).get(name, f"{where}.{name}")


if __name__ == "__main__":
    head = "# Written from the Go types of k8s.io/api by `python -m tests.protobuf_table`; a message and where it is a kind, then its fields\n"
    TABLE.write_text(head + "\n".join(rows(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n", encoding="utf-8")
