"""`kubeconfig`: what kubectl needs to reach a cluster through the gateway. Reads the configuration; no secret is printed."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated

import typer
import yaml
from cryptography import x509

from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import complain, say_text
from gateway.config import Config, Listener, load_config
from gateway.config.model import ResourceProtocol


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(kubeconfig)


def kubeconfig(
    resource: Annotated[str, typer.Argument(help="The cluster: a [[resource]] with protocol `kubernetes`.")],
    config: ConfigFile = DEFAULT_CONFIG,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="Where your token is; kubectl reads it there.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="Your client certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Its key (PEM).")] = None,
    server: Annotated[
        str | None, typer.Option("--server", help="How the gateway is reached, if not as it listens.")
    ] = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="Whose certificate the gateway has, if not its own.")] = None,
) -> None:
    """Print a kubeconfig for a cluster behind the gateway. Your token or key stays in its file."""
    if (token_file is None) == (certificate is None) or (certificate is None) != (key is None):
        complain("how do you prove who you are?", help="--token-file FILE, or --certificate FILE and --key FILE")
        raise typer.Exit(2)
    known = load_config(config, os.environ)
    found = next((one for one in known.resource if one.name == resource), None)
    listener = None if found is None else _listener(known, resource)
    if found is None or found.protocol is not ResourceProtocol.KUBERNETES or listener is None or listener.tls is None:
        complain(f"`{resource}` is no cluster that a listener serves", help=_clusters(known))
        raise typer.Exit(1)
    trusted = _trusted(known.at(listener.tls.certificate) if ca is None else ca, is_authority=ca is not None)
    who = (
        {"tokenFile": str(token_file.absolute())}
        if token_file is not None
        else {"client-certificate": str(_absolute(certificate)), "client-key": str(_absolute(key))}
    )
    say_text(yaml.safe_dump(_document(resource, server or _url(listener, resource), trusted, who), sort_keys=False))


def _trusted(file: Path, *, is_authority: bool) -> bytes:
    """The PEM that clients trust. Says so where that is a certificate which only some of them take for itself."""
    pem = file.read_bytes()
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        complain(f"{file} holds no certificate (PEM)", help="--ca FILE names the authority's")
        raise typer.Exit(1) from None
    if not is_authority and all(one.issuer != one.subject for one in found):
        complain(
            "kubectl trusts the gateway's certificate as it stands, clients on OpenSSL (Python) only whoever issued it",
            help=f"--ca FILE: the certificate of {found[-1].issuer.rfc4514_string()}",
        )
    return pem


def _document(resource: str, url: str, trusted: bytes, who: dict[str, str]) -> dict[str, object]:
    name = f"sallyport-{resource}"
    authority = base64.b64encode(trusted).decode("ascii")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": who}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def _listener(config: Config, resource: str) -> Listener | None:
    """The listener of a resource alone, else one where the client names it."""
    those = [one for one in config.listener if one.protocol is ResourceProtocol.KUBERNETES]
    return next((one for one in those if one.resource == resource), None) or next(
        (one for one in those if one.resource is None), None
    )


def _url(listener: Listener, resource: str) -> str:
    """How a client reaches a listener; where it serves several clusters, the host's name says which."""
    host, _, port = listener.bind.rpartition(":")
    return f"https://{host if listener.resource is not None else resource}:{port}"


def _absolute(path: Path | None) -> Path:
    assert path is not None
    return path.absolute()


def _clusters(config: Config) -> str:
    names = [one.name for one in config.resource if one.protocol is ResourceProtocol.KUBERNETES]
    return (
        f"clusters: {', '.join(names)}" if names else "the configuration has no [[resource]] with protocol `kubernetes`"
    )
