"""One session channel of a client: which requests it may make, what becomes of each; commands go to `running`.

Everything that is not carried is refused and recorded: environment beyond the allow-list, shells without a terminal, agents,
displays, subsystems, requests nobody knows. WHY a channel of our own below asyncssh's: theirs answers some of these by itself.
The names of its methods are asyncssh's and pinned with its version (tests/unit/adapters/ssh/test_channel.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set

import asyncssh
from asyncssh.packet import SSHPacket

from adapters.ssh.client_end import Terminal, screen_of
from adapters.ssh.facts import is_carried
from adapters.ssh.guarded import GuardedShell
from adapters.ssh.running import CommandRun
from adapters.ssh.subsystem import SFTP, FilesRun
from adapters.ssh.terminals import CommandOnTerminal, RawShell
from adapters.ssh.visit import Visit
from adapters.terminal import messages

MAX_VARIABLES = 32
RAW_WISH = ("SALLYPORT_SHELL", "raw")
"""A variable that goes nowhere: with it a client asks for the target's own shell instead of the guarded one."""
WINDOW = 2 << 20
"""Bytes of a client's input that may be on their way."""
MANY, WINDOW_OF_MANY = 16, 512 << 10
"""Of so many channels and more each has a smaller window: all of them may be full, for as long as their commands wait for people."""
MAX_JOINED = 4 << 10
"""Pieces of input that wait are put together up to this size. WHY: a byte that came alone takes a hundred."""
MAX_PACKET = 32 << 10
_ANSWERED = frozenset({"pty-req", "x11-req", "auth-agent-req@openssh.com", "env", "shell", "exec", "subsystem"})
_HARMLESS = frozenset({"window-change", "signal", "keepalive@openssh.com", "eow@openssh.com"})
"""Requests that ask for nothing: they are answered and need no entry."""


def window_beside(channels: int) -> int:
    """The window of one more channel, where so many are open."""
    return WINDOW if channels < MANY else WINDOW_OF_MANY


class GuardedChannel(asyncssh.SSHServerChannel[bytes]):
    """A channel whose every request is one we know or one that is refused."""

    def __init__(self, connection: asyncssh.SSHServerConnection, visit: Visit, window: int = WINDOW) -> None:
        super().__init__(
            connection,
            asyncio.get_running_loop(),
            allow_pty=True,
            line_editor=False,
            line_echo=False,
            line_history=0,
            max_line_length=0,
            encoding=None,
            errors="strict",
            window=window,
            max_pktsize=MAX_PACKET,
        )
        self.visit = visit
        self.variables: dict[str, str] = {}
        self.wishes: set[str] = set()

    def _accept_data(self, data: bytes, datatype: int | None = None) -> None:
        waiting = self._recv_buf
        if (
            waiting
            and self._recv_paused
            and waiting[-1][1] == datatype
            and len(waiting[-1][0]) + len(data) <= MAX_JOINED
        ):
            self._recv_window -= len(data)
            waiting[-1] = (waiting[-1][0] + data, datatype)
            return
        super()._accept_data(data, datatype)

    def _service_next_request(self) -> None:
        request = self._request_queue[0][0]
        if request not in _ANSWERED and request not in _HARMLESS:
            self.visit.refuse("request", request)
            self._report_response(False)
            return
        super()._service_next_request()

    def _process_env_request(self, packet: SSHPacket) -> bool:
        name, value = packet.get_string(), packet.get_string()
        packet.check_end()
        try:
            key, said = name.decode("ascii"), value.decode("ascii")
        except UnicodeDecodeError:
            key, said = name.decode("ascii", "backslashreplace"), ""
        if (key, said) == RAW_WISH:
            self.wishes.add(key)
            return True
        if not is_carried(key, said) or len(self.variables) >= MAX_VARIABLES:
            self.visit.refuse("variable", key)
            return False
        self.variables[key] = said
        return True

    def _process_exec_request(self, packet: SSHPacket) -> bool:
        command = packet.get_string()
        packet.check_end()
        # WHY what is no UTF-8 too: as a request that fails it would have nobody to tell why (`session` refuses it).
        return self._start_session(command=command.decode(errors="surrogateescape"))

    def _process_x11_req_request(self, packet: SSHPacket) -> bool:
        self.visit.refuse("display")
        return False

    def _process_auth_agent_req_at_openssh_dot_com_request(self, packet: SSHPacket) -> bool:  # type: ignore[override]  # theirs answers later
        self.visit.refuse("agent")
        return False


class ClientSession(asyncssh.SSHServerSession[bytes]):
    """What a client's channel is used for."""

    def __init__(self, visit: Visit, variables: Mapping[str, str], wishes: Set[str] = frozenset()) -> None:
        self._visit = visit
        self._variables = variables
        self._wishes = wishes
        self._terminal: Terminal | None = None
        self._wants_shell = False
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._command: bytes | None = None
        self._refusal = ""
        self._wants_files = False
        self._run: CommandRun | FilesRun | RawShell | CommandOnTerminal | GuardedShell | None = None
        visit.opened()
        visit.seen.add(self)

    @property
    def is_waiting(self) -> bool:
        """Whether the next word is the client's: nothing runs here, nothing is held."""
        match self._run:
            case None:
                return True
            case GuardedShell() | RawShell() | FilesRun() as run:
                return run.is_waiting
            case _:
                return False

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(
        self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]
    ) -> bool:
        # WHY no question yet: what it is for is said by the request that follows, and that is asked about.
        if not is_carried("TERM", term_type):
            self._visit.refuse("terminal")
            return False
        self._terminal = Terminal(screen_of(term_type, term_size[0], term_size[1]), dict(term_modes))
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        screen = screen_of("", width, height)
        if isinstance(self._run, RawShell | CommandOnTerminal | GuardedShell):
            self._run.resize(screen.columns, screen.rows)

    def shell_requested(self) -> bool:
        if self._terminal is not None:
            self._wants_shell = True
            return True
        self._visit.refuse("shell")
        self._refusal = messages.refused(
            "a shell without a terminal", "ssh -t HOST, or run one command at a time: ssh HOST COMMAND"
        )
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        if subsystem == SFTP:
            self._wants_files = True
            return True
        self._visit.refuse("subsystem", subsystem)
        self._refusal = messages.refused(f"the subsystem {subsystem[:64]}", "commands and sftp are carried")
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command.encode(errors="surrogateescape")
        return True

    def break_received(self, msec: int) -> bool:
        return False

    def session_started(self) -> None:
        channel = self._channel
        if channel is None:
            return
        if self._wants_files:
            files = FilesRun(self._visit, channel)
            self._run = files
            files.start()
            return
        if self._wants_shell and self._terminal is not None:
            made = RawShell if RAW_WISH[0] in self._wishes else GuardedShell
            shell = made(self._visit, channel, self._variables, self._terminal)
            self._run = shell
            shell.start()
            return
        if self._command is None:
            # INVARIANT: whatever is not a command ends here; the word why is all that comes of it.
            channel.write_stderr(self._refusal.encode())
            channel.exit(messages.REFUSED)
            return
        command: CommandRun | CommandOnTerminal = CommandRun(self._visit, channel, self._variables)
        if self._terminal is not None:
            command = CommandOnTerminal(self._visit, channel, self._variables, self._terminal)
        self._run = command
        command.start(self._command)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._visit.heard = True
        if self._run is not None:
            self._run.take_input(data)

    def eof_received(self) -> bool:
        if self._run is not None:
            self._run.end_input()
        return True

    def signal_received(self, signal: str) -> None:
        if self._run is not None:
            self._run.signal(signal)

    def pause_writing(self) -> None:
        if self._run is not None:
            self._run.client_is_full(True)

    def resume_writing(self) -> None:
        if self._run is not None:
            self._run.client_is_full(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._visit.seen.discard(self)
        self._visit.closed()
        if self._run is not None:
            self._run.leave("the client is gone")
