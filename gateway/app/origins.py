"""From the configuration's `[policies]` to the origins they come from. Called by `assembly`."""

from __future__ import annotations

from pathlib import Path

from gateway.config import Config
from gateway.config.model import DEFAULT_POLICIES
from gateway.policy_store.git_branch import GitOrigin, Remote
from gateway.policy_store.origins import BundleFileOrigin, FolderOrigin, Origin
from gateway.policy_store.signing import TrustedKeys, read_trusted
from gateway.policy_store.web_bundle import WebBundleOrigin


def origin_of(config: Config) -> Origin:
    """Where the policies that decide come from. Raises PolicyUnusable."""
    policies = config.policies
    if policies.git is not None:
        remote = Remote(
            policies.git,
            policies.branch,
            policies.subfolder,
            None if policies.ssh_key is None else config.at(policies.ssh_key),
            None if policies.known_hosts is None else config.at(policies.known_hosts),
        )
        return GitOrigin(remote, config.at(policies.state) / "git")
    if policies.bundle is not None:
        return _bundle(config, policies.bundle, "decides.bundle")
    return FolderOrigin(config.at(policies.path or DEFAULT_POLICIES))


def candidate_of(config: Config) -> Origin | None:
    """Where the candidate that is only watched comes from; None when there is none. Raises PolicyUnusable."""
    candidate = config.policies.candidate
    if candidate is None:
        return None
    if not is_web(candidate) and config.at(candidate).is_dir():
        return FolderOrigin(config.at(candidate))
    return _bundle(config, candidate, "candidate.bundle")


def folders_of(config: Config) -> tuple[Path | None, Path | None]:
    """The folders here that the policies that decide and the candidate come from; None for what comes from elsewhere."""
    policies = config.policies
    own = (
        None
        if policies.git is not None or policies.bundle is not None
        else config.at(policies.path or DEFAULT_POLICIES)
    )
    candidate = policies.candidate
    is_folder = candidate is not None and not is_web(candidate) and config.at(candidate).is_dir()
    return own, config.at(candidate) if candidate is not None and is_folder else None


def is_remote(config: Config) -> bool:
    """Whether looking at the policies' origin asks another machine, or another program."""
    policies = config.policies
    return policies.git is not None or (policies.bundle is not None and is_web(policies.bundle))


def is_web(place: str) -> bool:
    """Whether a bundle's place is a URL."""
    return place.startswith(("https://", "http://"))


def _bundle(config: Config, place: str, kept: str) -> Origin:
    trusted = _trusted(config)
    if not is_web(place):
        return BundleFileOrigin(config.at(place), trusted)
    ca_file = config.policies.ca_file
    store = config.at(config.policies.state) / kept
    return WebBundleOrigin(place, trusted, store, ca_file=None if ca_file is None else config.at(ca_file))


def _trusted(config: Config) -> TrustedKeys | None:
    files: list[Path] = [config.at(file) for file in config.policies.key]
    return read_trusted(files) if files else None
