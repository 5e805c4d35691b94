"""What does not fit together in `[policies]`. Looks whether files are there, never inside. Called by `check`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.config.model import DEFAULT_POLICIES, Config, Policies
from gateway.config.places import Path

GIT_URL = re.compile(r"(file|ssh|https)://[^\s\x00-\x1f-][^\s\x00-\x1f]*")
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_WEB = ("https://", "http://")


def find_policy_misfits(config: Config) -> Iterator[tuple[Path, str]]:
    """Everything that does not fit together, as in `check`."""
    policies = config.policies
    given = [name for name in ("path", "git", "bundle") if getattr(policies, name) is not None]
    for name in given[1:]:
        yield ("policies", name), f"is of no use beside `{given[0]}`; expected one of them"
    if given in ([], ["path"]) and not config.at(policies.path or DEFAULT_POLICIES).is_dir():
        yield ("policies", "path"), "is no folder; expected one with policies"
    if policies.git is not None:
        yield from _git(config, policies)
    if policies.bundle is not None:
        yield from _bundle(config, policies.bundle, "bundle")
    candidate = policies.candidate
    if candidate is not None and (candidate.startswith(_WEB) or not config.at(candidate).is_dir()):
        yield from _bundle(config, candidate, "candidate")
    for index, file in enumerate(policies.key):
        if not config.at(file).is_file():
            yield ("policies", "key", index), "is no file; expected the PEM of a public key"
    if policies.ca_file is not None and not config.at(policies.ca_file).is_file():
        yield ("policies", "ca_file"), "is no file; expected PEM certificates"
    yield from _times(policies)


def _git(config: Config, policies: Policies) -> Iterator[tuple[Path, str]]:
    if policies.git is not None and not GIT_URL.fullmatch(policies.git):
        yield (
            ("policies", "git"),
            "is no URL for git; expected ssh:, https: or file:, as in ssh://git@host/policies.git",
        )
    if not BRANCH.fullmatch(policies.branch):
        yield ("policies", "branch"), "is no branch; expected a name such as main"
    if ".." in policies.subfolder.split("/") or policies.subfolder.startswith("/"):
        yield ("policies", "subfolder"), "leads out of the repository; expected a folder in it"
    is_ssh = policies.git is not None and policies.git.startswith("ssh:")
    for name, file in (("ssh_key", policies.ssh_key), ("known_hosts", policies.known_hosts)):
        if file is None and is_ssh:
            yield ("policies", name), "is missing; ssh needs a key and the hosts it may trust"
        elif file is not None and not config.at(file).is_file():
            yield ("policies", name), "is no file"


def _bundle(config: Config, place: str, name: str) -> Iterator[tuple[Path, str]]:
    if not place.startswith(_WEB):
        if not config.at(place).is_file():
            yield ("policies", name), "is no file; expected a bundle, or its URL"
    elif not config.policies.key:
        # WHY: TLS proves which server answered, not who wrote the policies.
        yield ("policies", "key"), "is missing; a bundle from a web server must be signed"


def _times(policies: Policies) -> Iterator[tuple[Path, str]]:
    if not 0 <= policies.watch_seconds <= 3600:
        yield ("policies", "watch_seconds"), "is out of range; expected 0 to 3600"
    if not 1 <= policies.poll_seconds <= 86_400:
        yield ("policies", "poll_seconds"), "is out of range; expected 1 to 86400"
    least = policies.poll_seconds if policies.git or policies.bundle else policies.watch_seconds
    if policies.max_age_seconds != 0 and not 2 * least < policies.max_age_seconds <= 31_536_000:
        yield ("policies", "max_age_seconds"), f"is out of range; expected 0, or more than {2 * least:g} up to 31536000"
    elif policies.max_age_seconds and not least:
        yield ("policies", "max_age_seconds"), "is of no use where nothing is looked at; expected `watch_seconds`"
