"""From the configuration's references to what needs the secrets: people, places, mask keys.

Everything is fetched at once, at the start and at a reload; the first that cannot be had is a GatewayError that names its
key. Called by `assembly`.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import yaml
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from adapters.core.minting import Authority, AuthorityUnusable
from adapters.core.ports import ScramVerifier, Target
from adapters.core.tls import upstream_context
from adapters.errors import LocalProtocolError
from adapters.http.destinations import ProxyRules
from adapters.mcp.facts import Server, approved_tools
from adapters.postgres.session.pooled import Pooling
from adapters.web.facts import credential as check_credential
from engine.command.http.openapi import RouteTable, compile_openapi
from engine.errors import InputInvalid
from engine.request import Principal, Resource
from gateway.app.notices import Hook
from gateway.audit.checkpoint import SigningKey
from gateway.config import Config, Local, TlsMode
from gateway.config.addresses import split_address
from gateway.config.exports import is_postable
from gateway.config.model import Listener, NoticeKind, ResourceProtocol
from gateway.config.model import Resource as ResourceConfig
from gateway.config.notices import mail_place
from gateway.config.pool import PoolMode
from gateway.config.proxy import Proxy
from gateway.config.ssh import read_public_key
from gateway.config.tools import Listed
from gateway.credentials.answers import Fetched
from gateway.credentials.renewing import Renewing
from gateway.credentials.sources import CredentialUnavailable, fetch_answer, fetch_secret, fetch_text
from gateway.doors.resources import Directory, Limits, Place
from gateway.errors import ConfigInvalid, StoreUnavailable
from gateway.identity.people import Known, People, digest_token
from gateway.identity.scram import decoy, make_verifier, parse_verifier
from gateway.recording.keys import WrappingKeys, own_secret

MIN_TOKEN = 20
"""Bytes of a token: what is kept of it is a plain hash, so it must be too long to guess."""
MIN_MASK_KEY = 16
MIN_HOOK_SECRET = 16


class Secrets:
    """Fetches what a configuration refers to."""

    def __init__(self, config: Config, environment: Mapping[str, str]) -> None:
        self._config = config
        self._environment = environment

    def store_url(self) -> str:
        """The store's URL with its password in it, and SQLite's file where the configuration means it."""
        try:
            url = make_url(self._config.store.url)
        except ArgumentError as error:
            raise StoreUnavailable("`[store] url` is no database URL") from error
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            url = url.set(database=str(self._config.at(str(url.database))))
        if self._config.store.password is not None:
            url = url.set(password=self._text(self._config.store.password, "store.password"))
        return url.render_as_string(hide_password=False)

    def mask_keys(self) -> dict[str, bytes]:
        """The keys of masks by their ids."""
        keys = {}
        for key in self._config.masking.key:
            secret = self._secret(key.secret, f"masking.key `{key.id}`")
            if len(secret) < MIN_MASK_KEY:
                raise ConfigInvalid(f"masking.key `{key.id}` has fewer than {MIN_MASK_KEY} bytes")
            keys[key.id] = secret
        return keys

    def audit_keys(self, origin: str) -> list[SigningKey]:
        """The keys that sign the audit's checkpoints, in the order of `[audit] keys`; empty when there are none."""
        return [
            SigningKey.from_pem(origin, self._secret(reference, "audit.keys")) for reference in self._config.audit.keys
        ]

    def recording_keys(self) -> WrappingKeys:
        """What the keys of recordings are wrapped with."""
        recording = self._config.recording
        configured = [self._secret(reference, "recording.keys") for reference in recording.keys]
        return WrappingKeys(configured or [own_secret(self._config.at(recording.dir))])

    def export_tokens(self) -> dict[str, str]:
        """The tokens that exports of the audit go with, by the exports' names."""
        found = {}
        for export in self._config.audit.export:
            if export.token is not None:
                found[export.name] = token = self._text(export.token, f"token of the export `{export.name}`")
                if not token.isascii() or not token.isprintable():
                    raise ConfigInvalid(f"the token of the export `{export.name}` cannot stand in a header")
        return found

    def traces_token(self) -> str | None:
        """The token that traces go with."""
        reference = self._config.telemetry.token
        token = None if reference is None else self._text(reference, "telemetry.token")
        if token is not None and (not token.isascii() or not token.isprintable()):
            raise ConfigInvalid("the token of `telemetry.token` cannot stand in a header")
        return token

    def token_keys(self) -> list[bytes]:
        """The keys that tokens of ours are signed with (PEM), in the order of `[identity.tokens] keys`."""
        return [self._secret(reference, "identity.tokens.keys") for reference in self._config.identity.tokens.keys]

    def client_secret(self, issuer: str) -> str | None:
        """The secret with which we are known to an issuer of `[[identity.oidc]]`; None when it knows us without one."""
        found = next((one.client_secret for one in self._config.identity.oidc if one.name == issuer), None)
        return None if found is None else self._text(found, f"client_secret of the issuer `{issuer}`")

    def hooks(self) -> dict[str, Hook]:
        """Where notices go, and with what, by their names."""
        found = {}
        for notify in self._config.notify:
            where = f"[[notify]] `{notify.name}`"
            url = self._text(notify.url, f"url of {where}")
            if notify.kind is NoticeKind.EMAIL:
                is_place, expected = mail_place(url) is not None, "smtps://HOST or smtp://HOST:PORT, without a user"
            else:
                is_place, expected = is_postable(url), "https://HOST/PATH, without a user"
            if not is_place:
                raise ConfigInvalid(f"the url of {where} is none that may be posted to", help=expected)
            secret = None if notify.secret is None else self._secret(notify.secret, f"secret of {where}")
            if secret is not None and len(secret) < MIN_HOOK_SECRET:
                raise ConfigInvalid(f"the secret of {where} has fewer than {MIN_HOOK_SECRET} bytes")
            token = None if notify.token is None else self._text(notify.token, f"token of {where}")
            if token is not None and (not token.isascii() or not token.isprintable()):
                raise ConfigInvalid(f"the token of {where} holds what cannot be sent")
            if token is not None and notify.kind is NoticeKind.EMAIL and ":" not in token:
                raise ConfigInvalid(f"the token of {where} has no user", help="USER:PASSWORD of the mail server")
            found[notify.name] = Hook(url, secret, token)
        return found

    def people(self, decoy_key: bytes) -> People:
        """The principals with their proofs."""
        identity = self._config.identity
        return People([self._known(local, decoy_key) for local in identity.principal], decoy_key, identity.ssh_ca)

    def directory(self) -> Directory:
        """The resources with their addresses and credentials."""
        return Directory([replace(self._standing(one), limits=limits_of(one)) for one in self._config.resource])

    def _standing(self, resource: ResourceConfig) -> Place:
        """A resource with its credential, which is had again where its helper says when it ends."""
        found = self._answer(resource)
        place = self._place(resource, found)
        if found.ends_at is None:
            return place
        credential = Renewing(
            resource.name,
            lambda: self._answer(resource),
            lambda answer: self._place(resource, answer).target,
            found,
            time.time,
        )
        return replace(place, credential=credential)

    def _answer(self, resource: ResourceConfig) -> Fetched:
        if resource.credential is None:
            return Fetched()
        try:
            return fetch_answer(
                resource.credential, environment=self._environment, folder=self._config.folder, now=time.time()
            )
        except CredentialUnavailable as error:
            raise CredentialUnavailable(f"credential of `{resource.name}`: {error}", help=error.help) from error

    def _known(self, local: Local, decoy_key: bytes) -> Known:
        principal = Principal(local.name, local.kind.value, local.groups)
        token = None
        if local.token is not None:
            secret = self._secret(local.token, f"token of `{local.name}`")
            if len(secret) < MIN_TOKEN:
                raise ConfigInvalid(f"the token of `{local.name}` has fewer than {MIN_TOKEN} bytes")
            token = digest_token(secret)
        roles = tuple(role.value for role in local.roles)
        keys = frozenset(read_public_key(line) for line in local.ssh_key)
        return Known(principal, self._verifier(local, decoy_key), token, roles, local.uid, keys, frozenset(local.also))

    def _verifier(self, local: Local, decoy_key: bytes) -> ScramVerifier | None:
        if local.scram is not None:
            try:
                return parse_verifier(self._text(local.scram, f"scram of `{local.name}`"))
            except ValueError as error:
                raise ConfigInvalid(
                    f"the scram secret of `{local.name}`: {error}", help="`sallyport scram` makes one"
                ) from None
        if local.password is None:
            return None
        # WHY the salt of the decoy: then a name looks the same before and after somebody has it.
        salt = decoy(local.name, decoy_key).salt
        return make_verifier(self._text(local.password, f"password of `{local.name}`"), salt)

    def _place(self, resource: ResourceConfig, found: Fetched) -> Place:
        if resource.protocol is ResourceProtocol.SSH:
            return self._ssh_place(resource, found)
        if resource.protocol is ResourceProtocol.KUBERNETES:
            return self._cluster_place(resource, found)
        host, port = split_address(resource.address) or (resource.address, 0)
        seen = Resource(resource.name, resource.protocol.value, resource.database, resource.role, dict(resource.labels))
        target = Target(
            host=host,
            port=port,
            user=found.user or resource.role or "",
            password=found.secret,
            database=resource.database,
            tls=resource.tls.mode is TlsMode.REQUIRE,
            ca_file=None if resource.tls.ca_file is None else str(self._config.at(resource.tls.ca_file)),
            verify_host=resource.tls.verify,
            header=resource.header,
            http2=resource.http2.value,
            names=None if resource.openapi is None else self._routes(resource),
            own=self._own(resource),
        )
        if resource.protocol in (ResourceProtocol.HTTP, ResourceProtocol.MCP):
            try:
                check_credential(target)
            except LocalProtocolError as error:
                raise ConfigInvalid(f"the credential of `{resource.name}` cannot stand in a header") from error
        return Place(seen, target)

    def _own(self, resource: ResourceConfig) -> object | None:
        """What only the adapter of a protocol knows how to read."""
        if resource.proxy is not None:
            return self._proxy_rules(resource.name, resource.proxy)
        if resource.pool is not None:
            pool = resource.pool
            by_transaction = pool.mode is PoolMode.TRANSACTION
            return Pooling(
                pool.size, pool.idle_seconds, pool.lifetime_seconds, pool.wait_seconds, by_transaction=by_transaction
            )
        return self._mcp_server(resource) if resource.protocol is ResourceProtocol.MCP else None

    def _proxy_rules(self, name: str, proxy: Proxy) -> ProxyRules:
        authority = None
        if proxy.ca_certificate is not None and proxy.ca_key is not None:
            key = self._secret(proxy.ca_key, f"ca_key of `{name}`")
            try:
                certificate = self._config.at(proxy.ca_certificate).read_bytes()
                authority = Authority(certificate, key, lambda: datetime.datetime.now(datetime.UTC))
            except (OSError, AuthorityUnusable) as error:
                raise ConfigInvalid(f"the authority of the proxy `{name}`: {error}") from error
        inside = tuple(ipaddress.ip_network(text) for text in proxy.inside)
        return ProxyRules(frozenset(proxy.ports), inside, proxy.opaque, authority)

    def _mcp_server(self, resource: ResourceConfig) -> Server:
        text = self._file(resource.tools, resource, "tools")
        try:
            approved = None if text is None else approved_tools(text.encode())
        except ValueError as error:
            raise ConfigInvalid(
                f"`tools` of `{resource.name}` is no list of tools: {error}",
                help="expected the server's answer to `tools/list`",
            ) from error
        may_ask = frozenset(one.value for one in resource.server_requests)
        return Server(resource.path or "/mcp", may_ask, approved, resource.lists is Listed.PERMITTED)

    def _routes(self, resource: ResourceConfig) -> RouteTable:
        text = self._file(resource.openapi, resource, "openapi") or ""
        try:
            document = msgspec.json.decode(text) if text.lstrip()[:1] == "{" else yaml.safe_load(text)
            return compile_openapi(document, hashlib.sha256(text.encode()).hexdigest())
        except (msgspec.DecodeError, yaml.YAMLError, RecursionError, InputInvalid) as error:
            raise ConfigInvalid(f"`openapi` of `{resource.name}` is no OpenAPI document") from error

    def _ssh_place(self, resource: ResourceConfig, found: Fetched) -> Place:
        host, port = split_address(resource.address) or ("", 0)
        target = Target(
            host=host,
            port=port,
            user=found.user or resource.role or "",
            private_key=found.secret,
            certificate=found.certificate or self._file(resource.certificate, resource, "certificate"),
            known_hosts=self._file(resource.known_hosts, resource, "known_hosts") or "",
            shell=resource.shell,
        )
        # WHY here: it loads the SSH library, which a command line that only reads the configuration can do without.
        from adapters.ssh.upstream import TargetUnusable, check_target

        try:
            check_target(target)
        except TargetUnusable as error:
            raise ConfigInvalid(f"the resource `{resource.name}`: {error}", code=error.code) from error
        return Place(Resource(resource.name, "ssh", None, resource.role, dict(resource.labels)), target)

    def _cluster_place(self, resource: ResourceConfig, found: Fetched) -> Place:
        host, port = split_address(resource.address) or ("", 0)
        certificate = found.certificate or self._file(resource.certificate, resource, "certificate")
        target = Target(
            host=host,
            port=port,
            user=found.user or resource.role or "",
            password=None if certificate is not None else found.secret,
            private_key=found.secret if certificate is not None else None,
            certificate=certificate,
            ca_file=None if resource.tls.ca_file is None else str(self._config.at(resource.tls.ca_file)),
        )
        try:
            check_credential(replace(target, user=""))
            upstream_context(target)
        except LocalProtocolError as error:
            raise ConfigInvalid(f"the credential of `{resource.name}` cannot stand in a header") from error
        except (OSError, ssl.SSLError) as error:
            raise ConfigInvalid(
                f"the certificate or key of `{resource.name}` cannot be used ({type(error).__name__})",
                help="expected PEM: `certificate` with its chain, `credential` its own key without a passphrase",
            ) from error
        return Place(Resource(resource.name, "kubernetes", None, resource.role, dict(resource.labels)), target)

    def _file(self, name: str | None, resource: ResourceConfig, key: str) -> str | None:
        """What stands in a file that is no secret."""
        if name is None:
            return None
        try:
            return self._config.at(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigInvalid(f"`{key}` of `{resource.name}` cannot be read") from error

    def host_keys(self, listener: Listener) -> list[str]:
        """The private keys that an SSH listener proves itself with."""
        return [self._text(reference, f"host_key of `{listener.bind}`") for reference in listener.host_key]

    def _secret(self, reference: str, what: str) -> bytes:
        try:
            return fetch_secret(reference, environment=self._environment, folder=self._config.folder)
        except CredentialUnavailable as error:
            raise CredentialUnavailable(f"{what}: {error}", help=error.help) from error

    def _text(self, reference: str, what: str) -> str:
        try:
            return fetch_text(reference, environment=self._environment, folder=self._config.folder)
        except CredentialUnavailable as error:
            raise CredentialUnavailable(f"{what}: {error}", help=error.help) from error


def limits_of(resource: ResourceConfig) -> Limits:
    """What sessions on a resource may do."""
    return Limits(resource.idle_seconds, resource.lifetime_seconds, resource.connections_per_principal)
