"""Policies from a branch of a git repository: fetched by git itself into a bare one of ours, read without a checkout.

Nothing of the repository runs or is written as a file: no hooks, filters, attributes, submodules or links; only blobs are
read, by their ids. git runs with an environment of its own (nobody's configuration, no prompts) and may use only the
protocol of the configured URL. ssh knows the host from a file, or does not connect.
See docs/decisions/0007-policies-from-git.md. Called by `current` through `origins.Origin`, on the watching thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gateway.errors import PolicyUnusable
from gateway.policy_store.folder import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, is_read, read_files
from gateway.policy_store.origins import Loaded

URL = re.compile(r"(?P<protocol>file|ssh|https)://[^\s\x00-\x1f-][^\s\x00-\x1f]*")
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
FETCH_SECONDS = 120.0
ANSWER_SECONDS = 30.0
REF = "refs/heads/policies"
ACCEPTED = "refs/heads/accepted"
_LINE = re.compile(r"(?P<mode>\d{6}) (?P<kind>\w+) (?P<id>[0-9a-f]{40,64}) +(?P<size>\d+|-)\t(?P<name>.+)", re.DOTALL)
_BLOB = re.compile(rb"(?P<id>[0-9a-f]{40,64}) blob (?P<size>\d+)\n")
_FILES = frozenset({"100644", "100755"})


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the policies are. `folder` is below the repository's top, "" for all of it; `known_hosts` and `key` are for ssh."""

    url: str
    branch: str = "main"
    folder: str = ""
    key: Path | None = None
    known_hosts: Path | None = None


class GitOrigin:
    """One branch. Not safe from several threads at once; the store's lock sees to that."""

    settles = False

    def __init__(self, remote: Remote, store: Path) -> None:
        """`store` is the bare repository of ours; it is made when it is not there."""
        self._remote = remote
        self._store = store
        protocol = URL.fullmatch(remote.url)
        if protocol is None or BRANCH.fullmatch(remote.branch) is None:
            raise PolicyUnusable("the git URL or branch is none that can be used", help="file:, ssh: or https:")
        self._protocol = protocol["protocol"]
        self._commit: str | None = None
        self.name = f"{re.sub(r'//[^/@]*@', '//', remote.url)}#{remote.branch}"

    def look(self) -> Hashable:
        """The commit that the branch stands at now."""
        self._commit = self._fetch()
        return self._commit

    def read(self) -> Loaded:
        """The policies of the commit last seen; before the first look, of the one there is now."""
        if self._commit is None:
            self._commit = self._fetch()
        return self._at(self._commit)

    def keep(self) -> None:
        """Remember the commit under a name of its own, so that git keeps its files."""
        with contextlib.suppress(PolicyUnusable):
            self._git(["update-ref", ACCEPTED, self._commit or ""], ANSWER_SECONDS)

    def kept(self) -> Loaded | None:
        """The policies of the commit that was kept last."""
        commit = self._commit_at(ACCEPTED)
        return None if commit is None else self._at(commit)

    def _at(self, commit: str) -> Loaded:
        return Loaded(read_files(Path(self.name), self._files(commit)), commit[:12])

    def _fetch(self) -> str:
        if not (self._store / "HEAD").is_file():
            self._store.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._git(["init", "--quiet", "--bare", "--template=", str(self._store)], ANSWER_SECONDS)
        wanted = f"+refs/heads/{self._remote.branch}:{REF}"
        options = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--force"]
        self._git(["fetch", *options, "--", self._remote.url, wanted], FETCH_SECONDS)
        found = self._commit_at(REF)
        if found is None:
            raise PolicyUnusable(f"{self.name} has no commit")
        return found

    def _commit_at(self, name: str) -> str | None:
        try:
            return (
                self._git(["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], ANSWER_SECONDS).decode().strip()
            )
        except PolicyUnusable:
            return None

    def _files(self, commit: str) -> Iterator[tuple[str, bytes]]:
        top = PurePosixPath(self._remote.folder or ".")
        tree = commit if str(top) == "." else f"{commit}:{top}"
        listed = self._git(["ls-tree", "-r", "-z", "--long", "--full-tree", tree], ANSWER_SECONDS)
        wanted = [found for line in listed.split(b"\0") if line and (found := self._wanted(line)) is not None]
        if len(wanted) > MAX_FILES:
            raise PolicyUnusable(f"{self.name} holds more than {MAX_FILES} files")
        if sum(size for _, _, size in wanted) > MAX_BYTES:
            raise PolicyUnusable(f"{self.name} holds more than {MAX_BYTES} bytes")
        contents = self._blobs([blob for _, blob, _ in wanted])
        yield from sorted((name, content) for (name, _, _), content in zip(wanted, contents, strict=True))

    def _wanted(self, line: bytes) -> tuple[str, str, int] | None:
        found = _LINE.fullmatch(line.decode("utf-8", "surrogateescape"))
        if found is None:
            raise PolicyUnusable(f"{self.name}: git listed something that is no file")
        name = found["name"]
        if any(part.startswith(".") for part in PurePosixPath(name).parts) or not is_read(name):
            return None
        # INVARIANT: a policy that is there and cannot be read is an error; a deny must not vanish in silence.
        if found["kind"] != "blob" or found["mode"] not in _FILES:
            raise PolicyUnusable(f"{self.name}: `{name[:200]!a}` is a link or a module, no file")
        if int(found["size"]) > MAX_FILE_BYTES:
            raise PolicyUnusable(f"{self.name}: `{name[:200]!a}` is longer than {MAX_FILE_BYTES} bytes")
        return name, found["id"], int(found["size"])

    def _blobs(self, ids: Sequence[str]) -> Iterator[bytes]:
        said = self._git(["cat-file", "--batch"], ANSWER_SECONDS, given="".join(f"{one}\n" for one in ids).encode())
        at = 0
        for one in ids:
            found = _BLOB.match(said, at)
            if found is None or found["id"].decode() != one:
                raise PolicyUnusable(f"{self.name}: git does not know the file `{one}`")
            at = found.end() + int(found["size"]) + 1
            yield said[found.end() : at - 1]

    def _git(self, arguments: Sequence[str], seconds: float, given: bytes = b"") -> bytes:
        settings = (
            *("protocol.allow=never", f"protocol.{self._protocol}.allow=always"),
            *("core.hooksPath=/dev/null", "core.fsmonitor=false", "transfer.fsckObjects=true", "gc.auto=0"),
            *("core.attributesFile=/dev/null", "credential.helper=", "submodule.recurse=false"),
        )
        words = ["git", *(word for setting in settings for word in ("-c", setting))]
        if arguments[0] != "init":
            words += ["--git-dir", str(self._store)]
        try:
            done = subprocess.run(
                [*words, *arguments],
                env=self._environment(),
                cwd="/",
                input=given,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PolicyUnusable(f"git took more than {seconds:.0f} s for {self.name}") from error
        except OSError as error:
            raise PolicyUnusable(f"git cannot be run ({error.strerror})", help="install it, or use a bundle") from error
        if done.returncode != 0:
            raise PolicyUnusable(f"git could not {arguments[0]} {self.name}: {_last_line(done.stderr)}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """All that git and ssh see. INVARIANT: nothing of ours but where programs are."""
        ssh = ["ssh", "-F", "/dev/null", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oClearAllForwardings=yes"]
        ssh += ["-oGlobalKnownHostsFile=/dev/null", f"-oUserKnownHostsFile={self._remote.known_hosts or '/dev/null'}"]
        ssh += ["-oIdentityAgent=none", "-oIdentitiesOnly=yes", "-oPermitLocalCommand=no", "-oConnectTimeout=15"]
        ssh += [f"-oIdentityFile={self._remote.key or '/dev/null'}"]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": self._protocol,
            "GIT_SSH_COMMAND": shlex.join(ssh),
            "GIT_SSH_VARIANT": "ssh",
        }


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return re.sub(r"//[^/@\s]*@", "//", lines[-1])[:200] if lines else "no reason given"
