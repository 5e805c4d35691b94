"""Writes the Python modules of the schemas beside them: `python -m grpc_proto.generate [FOLDER]` (make protos).

Generated files are committed, so that nobody needs a compiler to run Sallyport; tests/house/test_protos_are_fresh.py
generates again and compares. Not part of the running program.
"""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent
# WHY: protoc writes imports from the schema root (`from sallyport...`); our package is one level up. The schemas keep
# the root `sallyport/`, because that path is the file's name on the wire (reflection) and other languages use it.
_IMPORT = re.compile(r"^(\s*)(from|import) sallyport\b", re.MULTILINE)


def schemas() -> list[str]:
    """The schema files, relative to the root, in a fixed order."""
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto"))


def generate(target: Path) -> list[Path]:
    """Write all modules below `target` and return them, sorted."""
    outputs = [f"--{kind}={target}" for kind in ("python_out", "grpc_python_out", "mypy_out", "mypy_grpc_out")]
    well_known = str(files("grpc_tools") / "_proto")
    beside = Path(sys.executable).parent  # not resolved: the interpreter of a virtual environment is a link
    plugins = [f"--plugin={name}={beside / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    paths = [f"--proto_path={ROOT}", f"--proto_path={well_known}"]
    failed = protoc.main(["protoc", *paths, *plugins, *outputs, *schemas()])
    if failed:
        raise SystemExit(f"protoc ended with {failed}; see its messages above")
    written = sorted(path for path in (target / "sallyport").rglob("*_pb2*") if path.suffix in (".py", ".pyi"))
    for path in written:
        path.write_text(_placed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return written


def _placed(text: str) -> str:
    return _IMPORT.sub(r"\1\2 grpc_proto.sallyport", text)


if __name__ == "__main__":
    for made in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT):
        print(made)
