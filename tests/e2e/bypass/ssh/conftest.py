"""One target and one gateway with the shipped policies for all cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.interop.ssh.place import Place, placed


@pytest.fixture(scope="session")
def guarded() -> Iterator[Place]:
    found = [file for part in ("lib", "shell", "ssh") for file in sorted((ROOT / "policies" / part).iterdir())]
    files = [file for file in found if file.suffix in (".rego", ".gate")]
    with placed({f"{file.parent.name}_{file.name}": file.read_text() for file in files}) as made:
        yield made
