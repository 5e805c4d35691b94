"""Generated protobuf modules are what the schemas beside them say."""

from __future__ import annotations

from pathlib import Path

from grpc_proto.generate import ROOT, generate, schemas


def test_committed_modules_equal_freshly_generated_ones(tmp_path: Path) -> None:
    for made in generate(tmp_path):
        committed = ROOT / made.relative_to(tmp_path)
        assert committed.read_text() == made.read_text(), f"{committed.name} is stale: run `make protos`"


def test_no_committed_module_lacks_a_schema() -> None:
    expected = {Path(name).with_suffix("").name for name in schemas()}
    committed = {path.name.split("_pb2")[0] for path in ROOT.rglob("*_pb2*") if path.suffix in (".py", ".pyi")}
    assert committed == expected


def test_schemas_use_no_struct_and_no_small_integers() -> None:
    for name in schemas():
        text = (ROOT / name).read_text()
        words = {word for line in text.splitlines() for word in line.split("//")[0].split()}
        assert not words & {"google.protobuf.Struct", "int32", "uint32", "sint32", "fixed32", "float"}, name
