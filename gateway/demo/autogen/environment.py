"""AutoGen's own virtual environment: made once from the package index, kept in the user's cache, no dependency of ours."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.demo.binaries import DemoUnavailable

REQUIREMENTS: Final = (
    "autogen-agentchat==0.7.5",
    "autogen-core==0.7.5",
    "autogen-ext==0.7.5",
    "tiktoken",
    "pillow",
)
"""What is installed; the last two are undeclared needs of the others."""
INSTALL_DEADLINE: Final = 600.0


def environment_folder(environment: Mapping[str, str]) -> Path:
    """Where the environment of these requirements is kept."""
    base = environment.get("XDG_CACHE_HOME") or str(Path(environment.get("HOME", "/tmp")) / ".cache")  # noqa: S108  # a last resort
    said = "\n".join([*REQUIREMENTS, sys.version.partition(" ")[0]])
    return Path(base) / "sallyport" / f"autogen-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def autogen_python(environment: Mapping[str, str]) -> Path:
    """The interpreter with AutoGen; installs it when it is not there yet. Raises DemoUnavailable."""
    folder = environment_folder(environment)
    python, done = folder / "bin" / "python", folder / ".done"
    if done.exists() and python.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    venv.create(folder, with_pip=True)
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True, timeout=INSTALL_DEADLINE)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no word why"])[-1]
        raise DemoUnavailable(
            f"AutoGen could not be installed: {last}", help="see whether pip reaches a package index"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise DemoUnavailable(
            "AutoGen could not be installed in time", help="try again; what came is kept by pip"
        ) from error
    done.touch()
    return python
