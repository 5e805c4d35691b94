"""What a `sallyport.toml` can say. The names of fields are the names of keys; defaults are what a file need not say.

Paths are relative to the folder of the file. A secret never stands in the file: `env:NAME`, `file:PATH` or
`exec:COMMAND ARGUMENTS` says where it is. Read by `reading`, checked by `check`, used by `gateway.app`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gateway.config.audited import AuditExport, AuditRetention
from gateway.config.http2 import Http2, TargetHttp2
from gateway.config.pool import Pool
from gateway.config.proxy import Proxy
from gateway.config.rates import RateLimits
from gateway.config.telemetry import Telemetry
from gateway.config.tools import Listed, ServerRequest


class ResourceProtocol(StrEnum):
    """What a target speaks. Those with a listener in this program."""

    POSTGRES = "postgres"
    SSH = "ssh"
    HTTP = "http"
    KUBERNETES = "kubernetes"
    MCP = "mcp"


class Auth(StrEnum):
    """How clients of a PostgreSQL listener prove who they are; those of an SSH listener have keys."""

    TOKEN = "token"  # noqa: S105  # the name of a method, no token
    SCRAM = "scram"


class TlsMode(StrEnum):
    """Whether the way to a target is encrypted. `require` is the default and never falls back."""

    REQUIRE = "require"
    DISABLE = "disable"


class Durability(StrEnum):
    """When an audit entry counts as written: with the kernel, or on the disk."""

    PROCESS = "process"
    DISK = "disk"


class SecretsInText(StrEnum):
    """What becomes of a command whose text holds a secret: shown without it in the audit, refused, or kept as it is."""

    REDACT = "redact"
    REFUSE = "refuse"
    KEEP = "keep"


class PrincipalKind(StrEnum):
    USER = "user"
    AGENT = "agent"
    SERVICE = "service"


class Role(StrEnum):
    """What a caller of the gRPC services may do beyond asking about itself."""

    ADAPTER = "adapter"
    ASKER = "asker"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


DEFAULT_POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class Policies:
    """`[policies]`: where they come from, one of `path` (a folder), `git` (a URL) and `bundle` (a file or a URL).

    `branch`, `subfolder`, `ssh_key` and `known_hosts` belong to `git`; `key` (public keys) and `ca_file` to bundles.
    Folders and files are looked at every `watch_seconds` (0: on SIGHUP only), others every `poll_seconds`. What could not be
    confirmed for `max_age_seconds` (0: no limit) decides no more. `candidate`, a folder or a bundle, is only watched.
    `state` is for the copies that a start without the other side needs.
    """

    path: str | None = None
    git: str | None = None
    branch: str = "main"
    subfolder: str = ""
    ssh_key: str | None = None
    known_hosts: str | None = None
    bundle: str | None = None
    key: tuple[str, ...] = ()
    ca_file: str | None = None
    candidate: str | None = None
    watch_seconds: float = 2.0
    poll_seconds: float = 30.0
    max_age_seconds: float = 0.0
    state: str = "state/policies"


@dataclass(frozen=True, slots=True)
class TargetTls:
    """`[resource.tls]`: `ca_file` is PEM; without it the system's authorities are trusted."""

    mode: TlsMode = TlsMode.REQUIRE
    ca_file: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Resource:
    """`[[resource]]`: something commands run on. `role` is the user the gateway signs in as there.

    Of SSH: `credential` is a private key, `certificate` a file with its certificate, `known_hosts` a file as OpenSSH has
    them with the target's key or its authority, `shell` the bash that runs commands there.
    Of HTTP: `credential` goes as a bearer's token; with `role` as that user's password (Basic); with `header` as that header.
    `openapi` is a file (JSON or YAML) that says which operation a path is. `http2`: whether requests go in HTTP/2.
    Of Kubernetes: `credential` is a token, or with `certificate` (a file) the private key of that certificate; `role` is the user
    that everybody is there, and without it each is who they are here, with their groups.
    Sessions on it end when nothing ran for `idle_seconds`, and when they are open for `lifetime_seconds`; one principal has at
    most `connections_per_principal` at once. 0: no limit.
    Of MCP: `credential`, `role` and `header` as of HTTP; `path` of its endpoint, `server_requests` it may make of clients, `tools`
    a file with its list of tools as it was approved, `lists` which tools are shown. `proxy`: HTTP to whatever its clients name.
    `pool`: connections to PostgreSQL that serve one session after the other.
    """

    name: str
    protocol: ResourceProtocol
    address: str
    role: str | None = None
    credential: str | None = None
    database: str | None = None
    header: str | None = None
    openapi: str | None = None
    http2: TargetHttp2 = TargetHttp2.OFF
    tls: TargetTls = TargetTls()
    certificate: str | None = None
    known_hosts: str | None = None
    shell: str = "/bin/bash"
    idle_seconds: float = 0.0
    lifetime_seconds: float = 0.0
    connections_per_principal: int = 0
    path: str | None = None
    server_requests: tuple[ServerRequest, ...] = ()
    tools: str | None = None
    lists: Listed = Listed.ALL
    proxy: Proxy | None = None
    pool: Pool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """`[listener.tls]`, `[rpc.tls]`: PEM files of the certificate chain and the key.

    `client_ca`: whose client certificates prove the people whose names they carry as common name (PostgreSQL, Kubernetes, gRPC).
    """

    certificate: str
    key: str
    client_ca: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """`[[listener]]`: where clients connect. `resource` binds it to one; else the client names it.

    Of SSH: `host_key` are references to the private keys that the listener proves itself with; a terminal ends where nobody
    typed for `idle_seconds` (0: never), in a pod too.
    """

    protocol: ResourceProtocol
    bind: str
    auth: Auth = Auth.SCRAM
    resource: str | None = None
    tls: ServerTls | None = None
    host_key: tuple[str, ...] = field(default=(), repr=False)
    idle_seconds: float = 1800.0
    http2: Http2 = Http2.TLS


@dataclass(frozen=True, slots=True)
class Local:
    """`[[identity.principal]]`: somebody this file knows. `scram`, `password`, `token` say where the secret is; `ssh_key` are public
    keys, lines as in OpenSSH's `.pub` files. `also` are names of the same human at issuers: they approve as one person."""

    name: str
    kind: PrincipalKind = PrincipalKind.USER
    groups: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    uid: int | None = None
    scram: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ssh_key: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class TokenAlgorithm(StrEnum):
    """How an issuer's tokens may be signed: all with keys of which only the public half is known here."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


@dataclass(frozen=True, slots=True)
class OidcIssuer:
    """`[[identity.oidc]]`: who else says who somebody is. See docs/identity.md.

    People sign in with `client_id` (and `client_secret`, a reference); tokens of services are for one of `audience`, which is
    `client_id` where nothing is said. `job_claim` names the run a token is of. `prefix` stands before each name from here, `kind` is what they are.
    """

    name: str
    issuer: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    audience: tuple[str, ...] = ()
    algorithms: tuple[TokenAlgorithm, ...] = (TokenAlgorithm.RS256,)
    principal_claim: str = "sub"
    groups_claim: str = "groups"
    job_claim: str | None = None
    prefix: str = ""
    kind: PrincipalKind = PrincipalKind.USER
    scopes: tuple[str, ...] = ("openid", "groups", "email")
    leeway_seconds: float = 30.0
    max_lifetime_seconds: float = 3_600.0
    ca_file: str | None = None
    approver_groups: tuple[str, ...] = ()
    auditor_groups: tuple[str, ...] = ()
    operator_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """`[identity.tokens]`: tokens of ours. `keys` are references to Ed25519 keys (PEM): the first signs, all verify. Without
    any, one is made in the store."""

    keys: tuple[str, ...] = field(default=(), repr=False)
    max_ttl_seconds: float = 43_200.0


@dataclass(frozen=True, slots=True)
class Identity:
    """`[identity]`. `ssh_ca` are public keys of SSH; their certificates prove the people named in them as principals."""

    principal: tuple[Local, ...] = ()
    ssh_ca: tuple[str, ...] = ()
    oidc: tuple[OidcIssuer, ...] = ()
    tokens: TokenSettings = TokenSettings()


@dataclass(frozen=True, slots=True)
class Store:
    """`[store]`: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. `password` says where PostgreSQL's is."""

    url: str = "sqlite:///state/store.db"
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Audit:
    """`[audit]`: below `low_water_bytes` of free space nothing new is allowed.

    `keys`: secrets with the Ed25519 keys of checkpoints (PEM): the one that signs, then those it takes over from. Without
    any, one is made in `dir`. `former_keys`: public keys of those that signed before and are gone. `secrets`: what becomes of commands with a password or token in their text. A constant that
    the statement itself makes a secret (`PASSWORD '...'`) is never kept, whatever it says.

    `keep_days`, `retention`: contents of entries are closed under keys that are destroyed after so many days; with neither, they
    stand in the log in clear. Proofs hold without them. `index`: the store keeps an index, so that searching need not read the log.
    """

    dir: str = "state/audit"
    keys: tuple[str, ...] = field(default=(), repr=False)
    former_keys: tuple[str, ...] = ()
    durability: Durability = Durability.PROCESS
    secrets: SecretsInText = SecretsInText.REDACT
    segment_bytes: int = 64 << 20
    low_water_bytes: int = 64 << 20
    export: tuple[AuditExport, ...] = ()
    keep_days: int = 0
    index: bool = False
    retention: tuple[AuditRetention, ...] = ()


class Recorded(StrEnum):
    """Which commands are recorded: those where a policy says `record`, or all. Terminals always are."""

    ASKED = "asked"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Recording:
    """`[recording]`: where recordings of terminals and commands are kept, and for how many days (0: for ever).

    `keys`: secrets of 32 bytes or more: the one that new recordings are encrypted under, then older ones. Without any, one is
    made in `dir`. Below `low_water_bytes` of free space nothing that has to be recorded begins.
    """

    dir: str = "state/recordings"
    keys: tuple[str, ...] = field(default=(), repr=False)
    commands: Recorded = Recorded.ASKED
    keep_days: int = 0
    low_water_bytes: int = 64 << 20


class NoticeKind(StrEnum):
    """Who is told, and so how it is written."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    EMAIL = "email"
    GITHUB = "github"
    JIRA = "jira"


class NoticeEvent(StrEnum):
    """What there is to tell of a command that was held or denied."""

    HELD = "held"
    ESCALATED = "escalated"
    DENIED = "denied"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Notify:
    """`[[notify]]`: who is told when a command is held, what became of it, or that one was denied.

    `url`, `secret` and `token` are references: whoever knows a hook's URL may post to it. `secret` signs what a `webhook` gets.
    `token` goes to `github` (a token), `jira` (USER:TOKEN, or a token) or the mail server (USER:PASSWORD). `sender` and `to` are
    addresses of an `email`; `project` and `issue_type` are Jira's, `labels` those of a ticket. `resources`: only of these; none
    named is all. `groups`: of holds only those that ask one of these groups, or tell them when nobody has decided.
    """

    name: str
    kind: NoticeKind
    url: str = field(repr=False)
    secret: str | None = field(repr=False, default=None)
    ca_file: str | None = None
    events: tuple[NoticeEvent, ...] = (NoticeEvent.HELD, NoticeEvent.ESCALATED)
    resources: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    token: str | None = field(repr=False, default=None)
    sender: str = ""
    to: tuple[str, ...] = ()
    project: str = ""
    issue_type: str = "Task"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskKey:
    """`[[masking.key]]`: the secret behind a key id that `hash` and `tokenize` masks name."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Masking:
    """`[masking]`."""

    key: tuple[MaskKey, ...] = ()


@dataclass(frozen=True, slots=True)
class RpcSocket:
    """`[[rpc.socket]]`: a UNIX socket for one principal; only its owner on this machine can connect."""

    path: str
    principal: str


@dataclass(frozen=True, slots=True)
class RpcPeer:
    """`[[rpc.peer]]`: a name in a client certificate (`uri:`, `dns:`, `email:` or `cn:` before it) and who that is."""

    name: str
    principal: str


@dataclass(frozen=True, slots=True)
class Rpc:
    """`[rpc]`: the gRPC services. `bind` without `[rpc.tls]` only on loopback, for the one principal in `plaintext`. With `[rpc.tls]` and
    without its `client_ca` only tokens say who calls.

    `threads` answer single questions on each socket. `ext_authz`: the resource that an Envoy's requests are for, whose route names
    none.
    """

    socket: tuple[RpcSocket, ...] = ()
    bind: str | None = None
    tls: ServerTls | None = None
    peer: tuple[RpcPeer, ...] = ()
    plaintext: str | None = None
    threads: int = 8
    ext_authz: str | None = None


@dataclass(frozen=True, slots=True)
class Faces:
    """`[faces]`: OPA's REST API and AuthZEN over HTTP. `bind` without `[faces.tls]` only on loopback. `trusted_proxies` are networks whose
    `X-Forwarded-For` says where a client is."""

    bind: str | None = None
    tls: ServerTls | None = None
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Console:
    """`[console]`: the pages for people. `bind` without `[console.tls]` only on loopback.

    `url` is where browsers find it, when that is not `bind` itself (a proxy, a name); links in notices lead there. Somebody
    is signed out after `idle_minutes` without a click, and after `session_hours` in any case. `trusted_proxies` as in `[faces]`.
    """

    bind: str | None = None
    tls: ServerTls | None = None
    url: str | None = None
    idle_minutes: int = 60
    session_hours: int = 12
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """`[log]`: the program's own log, on standard error. Commands and secrets never stand in it."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.TEXT


@dataclass(frozen=True, slots=True)
class Metrics:
    """`[metrics]`: where Prometheus may read, for instance `127.0.0.1:9464`."""

    bind: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything. `folder` is where the file lies; it is no key."""

    policies: Policies = Policies()
    resource: tuple[Resource, ...] = ()
    listener: tuple[Listener, ...] = ()
    identity: Identity = Identity()
    store: Store = Store()
    audit: Audit = Audit()
    recording: Recording = Recording()
    notify: tuple[Notify, ...] = ()
    masking: Masking = Masking()
    rpc: Rpc = Rpc()
    faces: Faces = Faces()
    console: Console = Console()
    log: Log = Log()
    metrics: Metrics = Metrics()
    telemetry: Telemetry = field(default_factory=Telemetry)
    limits: RateLimits = field(default_factory=RateLimits)
    folder: Path = field(default=Path(), metadata={"key": False})

    def at(self, path: str) -> Path:
        """A path of the file as one this process can open."""
        return (self.folder / Path(path).expanduser()).absolute()
