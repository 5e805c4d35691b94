"""What does not fit together in what a configuration says of Kubernetes: credentials, certificates, TLS. Called by `check`."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.model import Config, Resource, TlsMode
from gateway.config.places import Path

_RESERVED = "system:"


def find_cluster_misfits(config: Config, resource: Resource, path: Path) -> Iterator[tuple[Path, str]]:
    """What an API server needs: TLS that is verified, and a credential that may impersonate."""
    if resource.credential is None:
        yield (*path, "credential"), "is missing; expected a token, or with `certificate` the key of that certificate"
    if resource.certificate is not None and not config.at(resource.certificate).is_file():
        yield (*path, "certificate"), "is no file; expected PEM"
    if resource.tls.mode is TlsMode.DISABLE:
        # WHY: whoever stands between would have the gateway's credential, and with it everybody's rights.
        yield (*path, "tls", "mode"), "is `disable`; an API server is reached over TLS only"
    if not resource.tls.verify:
        yield (*path, "tls", "verify"), "is off; an API server is known by its certificate"
    if resource.role is not None and resource.role.startswith(_RESERVED):
        yield (*path, "role"), "is one of the cluster's own names; expected a user that rights were given to"
    if resource.database is not None:
        yield (*path, "database"), "is of no use with Kubernetes"
