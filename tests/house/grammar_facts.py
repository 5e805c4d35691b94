"""Where PostgreSQL's parse tree keeps what: the facts that `engine/native/grammar` reads C nodes by, taken from the headers and
writers of the pinned libpg_query.

`python -m tests.house.grammar_facts` writes `engine/native/grammar/nodes.tsv` anew. A line is a number that code asks for by its
name (`fact`), a node (`node`, NodeTag, its type and variant, `boxed` where the protobuf types hold it so) or, below its node, a
field: name, kind, offset in bytes, and what the kind needs.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clang import cindex

ROOT = Path(__file__).parents[2]
CRATE = ROOT / "engine" / "native"
TABLE = CRATE / "grammar" / "nodes.tsv"

#: Nodes that are values: each with the one field it has.
_VALUES = {"Integer": "ival", "Float": "fval", "Boolean": "boolval", "String": "sval", "BitString": "bsval"}
_WRITTEN_BY_HAND = {*_VALUES, "List", "IntList", "OidList", "A_Const"}
_HEADERS = ("nodes/parsenodes.h", "nodes/plannodes.h", "nodes/value.h", "nodes/replnodes.h", "access/relation.h")
#: Made by the grammar, but not where `makeNode` is written with the type's name.
_MADE_OTHERWISE = {"RawStmt", "A_Expr", "DefElem", "RoleSpec", "RangeVar", "TypeName", "FuncCall", "ColumnDef"}
_WRITE = re.compile(r"WRITE_([A-Z0-9_]+)_FIELD\(([^;]*)\);")
_NUMBERS = {
    cindex.TypeKind.SHORT: "i16",
    cindex.TypeKind.INT: "i32",
    cindex.TypeKind.LONG: "i64",
    cindex.TypeKind.USHORT: "u16",
    cindex.TypeKind.UINT: "u32",
    cindex.TypeKind.ULONG: "u64",
    cindex.TypeKind.UCHAR: "u8",
    cindex.TypeKind.DOUBLE: "f64",
}


@dataclass(frozen=True)
class Message:
    """A protobuf type of the crate: its Rust name and its fields' types."""

    name: str
    fields: dict[str, tuple[str, str]]


def source() -> Path:
    """Where cargo keeps the pinned pg_query."""
    host = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    (platform,) = re.findall(r"^host: (.+)$", host, re.M)
    told = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={platform}"],
        cwd=CRATE,
        capture_output=True,
        text=True,
        check=True,
    )
    (manifest,) = [one["manifest_path"] for one in json.loads(told.stdout)["packages"] if one["name"] == "pg_query"]
    return Path(manifest).parent


def plain(name: str) -> str:
    return name.replace("_", "").replace("r#", "").lower()


def messages(text: str) -> dict[str, Message]:
    found = {}
    for name, body in re.findall(r"^pub struct (\w+) \{(?:\n(.*?)^)?\}", text, re.S | re.M):
        fields = re.findall(r"^    pub (r#)?(\w+): (.+?),$", re.sub(r"\n {8,}", "", body), re.M)
        found[plain(name)] = Message(name, {plain(field): (raw + field, kind) for raw, field, kind in fields})
    return found


def variants(text: str) -> dict[str, tuple[str, bool]]:
    """Of the type named plainly: the variant of `NodeEnum`, and whether it is boxed."""
    body = re.search(r"pub enum Node \{\n(.*?)^    \}", text, re.S | re.M)
    assert body is not None
    whole = re.sub(r"\s+", " ", body.group(1))
    return {
        plain(kind.rpartition("::")[2]): (name, bool(box))
        for name, box, kind in re.findall(r"(\w+)\( ?(::prost::alloc::boxed::Box<)?([\w:]+)>?,? ?\)", whole)
    }


class Headers:
    """PostgreSQL's own declarations, read by libclang."""

    def __init__(self, library: Path) -> None:
        place = library / "libpg_query"
        builtin = subprocess.run(["cc", "-print-file-name=include"], capture_output=True, text=True, check=True)
        text = '#include "postgres.h"\n' + "".join(f'#include "{name}"\n' for name in _HEADERS)
        words = [
            f"-I{place}",
            f"-I{place}/src/postgres/include",
            f"-I{place}/src/include",
            f"-I{builtin.stdout.strip()}",
        ]
        unit = cindex.Index.create().parse("facts.c", args=words, unsaved_files=[("facts.c", text)])
        broken = [str(one) for one in unit.diagnostics if one.severity >= cindex.Diagnostic.Error]
        assert not broken, broken
        self.types: dict[str, Any] = {}
        self.enums: dict[str, dict[str, int]] = {}
        for cursor in unit.cursor.get_children():
            if cursor.kind == cindex.CursorKind.TYPEDEF_DECL:
                self.types[cursor.spelling] = cursor.underlying_typedef_type.get_canonical()
            if cursor.kind == cindex.CursorKind.ENUM_DECL:
                self._enum(cursor.spelling, cursor)
        for name, kind in self.types.items():
            if kind.kind == cindex.TypeKind.ENUM:
                self._enum(name, kind.get_declaration())

    def _enum(self, name: str, cursor: Any) -> None:
        self.enums[name] = {
            one.spelling: one.enum_value
            for one in cursor.get_children()
            if one.kind == cindex.CursorKind.ENUM_CONSTANT_DECL
        }

    def field(self, kind: str, name: str) -> tuple[int, Any]:
        """The offset in bytes and the canonical type of a field."""
        where = self.types[kind].get_offset(name)
        assert where >= 0, f"{kind} has no {name}"
        assert where % 8 == 0, f"{kind}.{name} does not begin at a byte"
        (type_,) = [one.type.get_canonical() for one in self.types[kind].get_fields() if one.spelling == name]
        return where // 8, type_


def choices(headers: Headers, name: str, writers: str) -> str:
    """How C values become protobuf numbers: the count where each is one more, from 0 on; else pairs."""
    body = re.search(rf"^_enumToInt{name}\({name} value\) \{{(.*?)^\}}", writers, re.S | re.M)
    assert body is not None, name
    pairs = {
        headers.enums[name][word]: int(number)
        for word, number in re.findall(r"case (\w+): return (\d+);", body.group(1))
    }
    if pairs == {value: value + 1 for value in range(len(pairs))}:
        return str(len(pairs))
    return ",".join(f"{value}={number}" for value, number in pairs.items())


def rows() -> Iterator[tuple[str, ...]]:
    """The lines of the table."""
    library = source()
    inner = library / "libpg_query" / "src"
    protobuf = (library / "src" / "protobuf.rs").read_text()
    types, names = messages(protobuf), variants(protobuf)
    writers = (inner / "include" / "pg_query_outfuncs_defs.c").read_text()
    numbers = (inner / "include" / "pg_query_enum_defs.c").read_text()
    branches = (inner / "include" / "pg_query_outfuncs_conds.c").read_text()
    headers = Headers(library)
    made = _MADE_OTHERWISE.union(
        *(re.findall(r"makeNode\((\w+)\)", path.read_text()) for path in inner.glob("postgres/src_backend_parser_*.c")),
        re.findall(r"makeNode\((\w+)\)", (inner / "postgres" / "src_backend_nodes_makefuncs.c").read_text()),
    )
    bodies = dict(re.findall(r"^_out(\w+)\(OUT_TYPE[^;{]*\)\n\{\n(.*?)^\}", writers, re.S | re.M))
    order = [
        (tag, typename, c_name)
        for tag, typename, c_name in re.findall(
            r"case T_(\w+):\s+OUT_NODE\((\w+), \w+, \w+, \w+, (\w+), \w+\);", branches
        )
        if c_name in made and c_name not in _WRITTEN_BY_HAND
    ]
    known = {"string", *(plain(typename) for _, typename, _ in order)}
    tags = headers.enums["NodeTag"]
    for name, field in _VALUES.items():
        yield "fact", name.upper(), str(tags[f"T_{name}"])
        yield "fact", f"{name.upper()}_AT", str(headers.field(name, field)[0])
    yield "fact", "RAWSTMT", str(tags["T_RawStmt"])
    yield "fact", "LIST", str(tags["T_List"])
    yield "fact", "LIST_LENGTH", str(headers.field("List", "length")[0])
    yield "fact", "LIST_CELLS", str(headers.field("List", "elements")[0])
    constant = {name: str(headers.field("A_Const", name)[0]) for name in ("val", "isnull", "location")}
    yield "node", str(tags["T_A_Const"]), "AConst", "AConst", "-"
    yield "isnull", "truth", constant["isnull"], "-"
    yield "location", "number", constant["location"], "i32 i32"
    yield "val", "constant", constant["val"], constant["isnull"]
    for tag, typename, c_name in order:
        message = types[plain(typename)]
        variant, boxed = names[plain(typename)]
        yield "node", str(tags[f"T_{tag}"]), message.name, variant, "boxed" if boxed else "-"
        (body,) = [text for name, text in bodies.items() if plain(name) == plain(typename)]
        for write, arguments in _WRITE.findall(body):
            yield described(
                write, [one.strip() for one in arguments.split(",")], c_name, message, known, headers, numbers
            )


def described(
    write: str, words: list[str], c_name: str, message: Message, known: set[str], headers: Headers, numbers: str
) -> tuple[str, ...]:
    """The line of one field."""
    c_field, outname = words[-1], words[-3]
    field, kind = message.fields[plain(outname)]
    where, type_ = headers.field(c_name, c_field)
    at = str(where)
    match write:
        case "STRING":
            return field, "text", at, "-"
        case "CHAR":
            return field, "letter", at, "-"
        case "BOOL":
            return field, "truth", at, "-"
        case "INT" | "UINT" | "UINT64" | "LONG" | "FLOAT":
            return field, "number", at, f"{_NUMBERS[type_.kind]} {kind}"
        case "ENUM":
            return field, "choice", at, choices(headers, words[1], numbers)
        case "LIST":
            return field, "list", at, "-"
        case "BITMAPSET":
            return field, "nothing", at, "-"
        case "NODE_PTR":
            return field, "node_boxed" if "Box<" in kind else "node", at, "-"
        case "SPECIFIC_NODE_PTR" | "SPECIFIC_NODE":
            if plain(words[1]) not in known:
                return field, "nothing", at, "-"
            inner = kind.rpartition("::")[2].rpartition("<")[2].rstrip(">")
            how = "inner" if write == "SPECIFIC_NODE" else "known"
            return field, how + ("_boxed" if "Box<" in kind else ""), at, inner
    raise AssertionError(f"{c_name}.{c_field}: nobody knows how to read {write}")


def table() -> str:
    return "".join("\t".join(row) + "\n" for row in rows())


if __name__ == "__main__":
    TABLE.write_text(table())
    print(f"{TABLE.relative_to(ROOT)}: {len(TABLE.read_text().splitlines())} lines")
