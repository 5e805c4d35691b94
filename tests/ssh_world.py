"""A gate in one page, a target of asyncssh's in this process and a client, for tests of the SSH adapter's parts.

The verdict is a mark in the command: `#deny`, `#hold`, `#mask` (of nothing that could be masked), `#secrets` (tokens are), `#rows`;
anything else is allowed. The target prints the line it
was given and ends with status 3; `#drop` in it ends its connection, `#stuck` keeps it running until a signal.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from adapters.core.ports import (
    Answer,
    Connection,
    GateSession,
    Outcome,
    Pending,
    Proof,
    Question,
    Refusal,
    ScramVerifier,
    Screen,
    Target,
)
from adapters.errors import RecorderFailed
from adapters.ssh.listener import ListenerSettings, SshListener
from engine.decision import Decision, DenyKind, Hold, MaskItem, Obligation, Reason, Verdict


def new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def text_of(key: asyncssh.SSHKey) -> str:
    return key.export_private_key().decode()


RAW = {"allowed": True, "record": True, "masked": False}
"""What the small gate says of terminals of the target."""


def answer_for(text: str, number: int = 1) -> Answer:
    """What the small gate says."""
    identity = f"d{number}"
    if "#deny" in text:
        reason = Reason("test/NO", "deny", "NO", "the mark says no", hint="leave it away")
        return Answer(Decision(Verdict.DENY, DenyKind.RULE, (reason,)), identity)
    if "#hold" in text:
        reason = Reason("test/LOOK", "hold", "LOOK", "somebody looks")
        hold = Hold(({"groups": ["ops"]},), 60, (reason.rule,))
        return Answer(Decision(Verdict.HOLD, None, (reason,), hold=hold), identity, f"T{number}", "https://gate/T")
    if "#mask" in text:
        return Answer(Decision(Verdict.MASK, None, mask_plan=(MaskItem(None, (), "redact"),)), identity)
    if "#secrets" in text:
        tokens = MaskItem(None, ("secret.github_token",), "redact")
        return Answer(Decision(Verdict.MASK, None, mask_plan=(tokens,)), identity)
    if text in ("shell raw", "terminal") and RAW["masked"]:
        tokens, kept = MaskItem(None, ("secret.github_token",), "redact"), (Obligation("record", True, "test/R"),)
        return Answer(Decision(Verdict.MASK, None, mask_plan=(tokens,), obligations=kept), identity)
    if text in ("shell raw", "terminal") and "#" not in text:
        kept = (Obligation("record", True, "test/R"),) if RAW["record"] else ()
        verdict = Verdict.ALLOW if RAW["allowed"] else Verdict.DENY
        return Answer(Decision(verdict, None if RAW["allowed"] else DenyKind.RULE, obligations=kept), identity)
    if "#record" in text:
        return Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("record", True, "test/R"),)), identity)
    if "#rows" in text:
        return Answer(Decision(Verdict.ALLOW, None, obligations=(Obligation("rows", 1, "test/L"),)), identity)
    return Answer(Decision(Verdict.ALLOW, None), identity)


@dataclass
class SmallRecording:
    """Keeps what it is told; fails after `left` words of output."""

    decision_id: str
    screen: Screen | None
    failed: Callable[[], None]
    shown: bytes = b""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    facts: list[Mapping[str, object]] = field(default_factory=list)
    ended: list[int | None] = field(default_factory=list)
    left: int = 10**6
    id: str = "r-1"

    def output(self, data: bytes, *, is_error: bool = False) -> None:
        self.left -= 1
        if self.left < 0:
            raise RecorderFailed("no", code="RECORDER_FAILED")
        self.shown += data

    def resized(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))

    def told(self, said: Mapping[str, object]) -> None:
        self.facts.append(said)

    def end(self, status: int | None) -> None:
        self.ended.append(status)


@dataclass
class SmallGate:
    """One session's gate, which remembers everything."""

    id: str = "s1"
    asked: list[Question] = field(default_factory=list)
    refused: list[tuple[bytes, str]] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)
    held: dict[str, asyncio.Future[bool]] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    is_prompt: bool = False
    """A ticket that is taken back is over at once, as with the real gate; without, a grant may come after all."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    recordings: list[SmallRecording] = field(default_factory=list)
    records_commands: bool = False
    is_late: Callable[[str], bool] = lambda text: False
    """Which questions are answered only when somebody calls `answer_now`."""
    waiting: list[asyncio.Event] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)
    """The questions of those whose asker did not wait for the answer."""
    cannot_record: bool = False
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def watch(self, connection: Connection) -> None:
        self.connection = connection

    def decide(self, question: Question) -> Answer | Pending:
        self.asked.append(question)
        answer = answer_for(question.text.decode(), next(self._numbers))
        self.news.set()
        if not self.is_late(question.text.decode()):
            return self._said(answer)
        answers = asyncio.Event()
        self.waiting.append(answers)

        async def told() -> Answer:
            try:
                await answers.wait()
            except asyncio.CancelledError:
                self.broken_off.append(question.text.decode())
                self.news.set()
                raise
            return self._said(answer)

        return Pending(told)

    def answer_now(self) -> None:
        """Answer what was asked and is not answered yet."""
        for answers in self.waiting:
            answers.set()

    def _said(self, answer: Answer) -> Answer:
        if answer.ticket is not None:
            self.held[answer.ticket] = asyncio.get_running_loop().create_future()
        self.news.set()
        return answer

    def refuse(self, question: Question, reason: str) -> Answer:
        self.refused.append((question.text, reason))
        self.news.set()
        return Answer(Decision(Verdict.DENY, DenyKind.RULE), "r")

    async def fate(self, ticket: str) -> Answer:
        granted = await self.held[ticket]
        if granted:
            return Answer(Decision(Verdict.ALLOW, None), f"{ticket}-granted")
        reason = Reason("test/LOOK", "deny", "LOOK", "somebody said no")
        return Answer(Decision(Verdict.DENY, DenyKind.APPROVAL_REFUSED, (reason,)), f"{ticket}-refused")

    def withdraw(self, ticket: str, reason: str) -> None:
        self.withdrawn.append(ticket)
        if self.is_prompt and not self.held[ticket].done():
            self.held[ticket].set_result(False)
        self.news.set()

    def finished(self, decision_id: str, outcome: Outcome) -> None:
        self.outcomes.append((decision_id, outcome))
        self.news.set()

    def record(self, decision_id: str, screen: Screen | None, failed: Callable[[], None]) -> SmallRecording:
        if self.cannot_record:
            raise RecorderFailed("no", code="RECORDER_FAILED")
        self.recordings.append(SmallRecording(decision_id, screen, failed))
        return self.recordings[-1]

    def close(self, reason: str) -> None:
        self.closed.append(reason)
        self.news.set()


@dataclass(frozen=True)
class Proven:
    """What a signed token came to."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass
class SmallKeeper:
    """Knows `ann` by one key, and one target."""

    where: Target | None
    key: bytes
    gate: SmallGate = field(default_factory=SmallGate)
    admitted: list[dict[str, object]] = field(default_factory=list)
    authorities: list[str] = field(default_factory=list)

    def scram_verifier(self, user: str) -> ScramVerifier:
        raise AssertionError("nobody comes by a password")

    takes_tokens = True

    def is_signed(self, token: str) -> bool:
        return token.startswith("ey")

    async def examine(self, token: str, user: str | None, resource: str) -> Proof:
        return Proven("ann") if (token, user, resource) == ("ey good", "ann", "box") else Proven("")

    def check_token(self, user: str, token: str, resource: str) -> bool:
        return False

    def key_authorities(self) -> list[str]:
        return self.authorities

    def is_key_of(self, user: str, key: bytes) -> bool:
        return user == "ann" and key == self.key

    def admit(self, **who: object) -> GateSession | Refusal:
        self.admitted.append(who)
        self.gate.news.set()
        if not who["proven"]:
            return Refusal("28P01", "no")
        return self.gate if who["resource"] == "box" else Refusal("3D000", "there is no such resource")

    def is_ready(self, resource: str) -> bool:
        return True

    async def make_ready(self, resource: str) -> None:
        pass

    def reached(self, session: str, seconds: float, is_reached: bool) -> None:
        pass

    def groups_of(self, user: str) -> tuple[str, ...]:
        return ()

    def target(self, resource: str) -> Target | None:
        return self.where


async def _be_a_shell(process: asyncssh.SSHServerProcess[str]) -> None:
    """Tells its terminal, then each line it is given; `exit` ends it, and a new size is told."""
    process.stdout.write(f"{process.term_type} {process.term_size[0]}x{process.term_size[1]}\n")
    while True:
        try:
            line = await process.stdin.readline()
        except asyncssh.TerminalSizeChanged as changed:
            process.stdout.write(f"now {changed.width}x{changed.height}\n")
            continue
        except asyncssh.SignalReceived as signal:
            process.stdout.write(f"signal {signal.signal}\n")
            continue
        if line in ("exit\n", ""):
            break
        process.stdout.write(f"got {line}")
    process.exit(5)


async def _run_line(process: asyncssh.SSHServerProcess[str], ran: list[str]) -> None:
    line = process.command or ""
    ran.append(line)
    if process.command is None:
        await _be_a_shell(process)
        return
    if "#drop" in line:
        process.stdout.write("begun\n")
        await process.stdout.drain()
        process.channel.get_extra_info("connection").abort()
        return
    if "#stuck" in line:
        process.stdout.write("stuck\n")
        try:
            await process.stdin.read()
        except asyncssh.SignalReceived as signal:
            process.exit_with_signal(signal.signal)
        return
    if "#input" in line:
        process.stdout.write(f"heard {len(await process.stdin.read())}\n")
        process.exit(0)
        return
    process.stdout.write(line)
    process.stderr.write("err")
    process.exit(3)


class _Open(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


@dataclass
class World:
    """A listener with its keeper, and what is behind it."""

    listener: SshListener
    keeper: SmallKeeper
    client_key: asyncssh.SSHKey
    host_key: asyncssh.SSHKey
    target: Target
    ran: list[str]
    """Every line the target was given."""

    @property
    def gate(self) -> SmallGate:
        return self.keeper.gate

    async def connect(
        self, username: str = "ann+box", key: asyncssh.SSHKey | None = None, **options: object
    ) -> asyncssh.SSHClientConnection:
        """A client. `options`: others of the library's."""
        return await asyncssh.connect(
            "127.0.0.1",
            self.listener.port,
            username=username,
            client_keys=[key or self.client_key],
            config=None,
            agent_path=None,
            **{"known_hosts": ([self.host_key.convert_to_public()], [], []), **options},
        )

    async def until(self, is_so: object) -> None:
        """Until a callable says yes; looks whenever the gate is told something."""
        async with asyncio.timeout(60):
            while not is_so():  # type: ignore[operator]  # a callable of a test
                self.gate.news.clear()
                await self.gate.news.wait()


@asynccontextmanager
async def ssh_world(files: str | None = None, **settings: object) -> AsyncIterator[World]:
    """Everything running; gone afterwards. `files`: the folder that SFTP of the target shows as its root."""
    ran: list[str] = []
    client_key, host_key, target_key = new_key(), new_key(), new_key()
    behind = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=_Open,
        server_host_keys=[target_key],
        process_factory=lambda process: _run_line(process, ran),
        sftp_factory=None if files is None else lambda channel: asyncssh.SFTPServer(channel, chroot=files.encode()),
        config=None,
    )
    public = target_key.export_public_key().decode().strip()
    target = Target(
        "127.0.0.1",
        behind.get_port(),
        "me",
        private_key=text_of(new_key()),
        known_hosts=f"[127.0.0.1]:{behind.get_port()} {public}\n",
    )
    keeper = SmallKeeper(target, client_key.public_data)
    listener = SshListener(ListenerSettings([text_of(host_key)], **settings), keeper)  # type: ignore[arg-type]  # fields
    await listener.start()
    try:
        yield World(listener, keeper, client_key, host_key, target, ran)
    finally:
        await listener.drain(0.0)
        behind.close()
        await behind.wait_closed()
