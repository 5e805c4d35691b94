"""Keeps up with the log and seals it: grows its Merkle tree and signs a checkpoint whenever there are new entries.

A checkpoint is signed only over what is on the disk. Where the log does not continue what was sealed before, nothing is
signed any more and `trouble` says why. `checkpoints.jsonl` holds signed notes, each a JSON string on a line of its own, and
each names the digest of the one before, so that none can be taken out. The first of the keys signs; when another one signed last, both sign once, over an entry that names the new one: that is how a
key hands over, at the start or while it runs (`use_keys`). One that handed over signs nothing any more. Built by `app`; checked by `verify`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gateway.audit.checkpoint import Checkpoint, PublicKey, SigningKey, digest_of, open_note, read_note, sign, signer_of
from gateway.audit.entry import Entry, Kind
from gateway.audit.log import AuditLog
from gateway.audit.merkle import root_of
from gateway.audit.tail import Tail
from gateway.audit.tree import StoredTree, TreeWriter, remove_tree
from gateway.errors import AuditUnavailable
from gateway.telemetry import logger

FILE = "checkpoints.jsonl"
HANDED_OVER = "handed over"
MAX_NOTE_LINE = 4 << 10
"""Bytes from the end of the file in which its last note is looked for first."""
SEAL_EVERY = 1.0
"""Seconds between looks at the log."""


class Sealer:
    """Seals one log. `seal` may be called from any thread; `start` does it again and again in a thread of its own."""

    def __init__(
        self,
        log: AuditLog,
        directory: Path,
        origin: str,
        keys: Sequence[SigningKey],
        clock: Callable[[], int],
        heard: Callable[[bytes], None] | None = None,
        former: Sequence[PublicKey] = (),
    ) -> None:
        """Take up where the last checkpoint is. Raises AuditUnavailable when the log does not continue it.

        `keys`: the one that signs, then those it takes over from; `former`: those that are gone. `clock`: UTC nanoseconds. `heard` is given every line that is
        written from now on, some at a time, each once, as they are sealed.
        """
        self._heard, self._heard_upto = heard, log.next_seq - 1
        self._log, self._directory, self._origin, self._clock = log, directory, origin, clock
        self._keys, self._former = keys, former
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        log.flush()
        self._note = last = _last_checkpoint(directory)
        self.sealed = 0 if last is None else _size_of(last, directory)
        self._tree, self._tail = _taken_up(directory, self.sealed)
        self._is_behind = False
        """What stands on the disk may be less than what was read of the log: a write failed in between."""
        if last is not None:
            self._continue(last)

    def _continue(self, last: str) -> None:
        """Check that the log is the one that was signed last, and let a new key take over."""
        known = [key.public for key in self._keys]
        try:
            checkpoint, _ = open_note(last, known)
            signed_last = signer_of(last, known)
        except ValueError as error:
            raise AuditUnavailable(
                f"the last checkpoint in {self._directory} cannot be continued: {error}",
                help="`[audit] keys` lists the new key and the one that signed before",
                code="AUDIT_KEYS",
            ) from error
        if checkpoint.origin != self._origin:
            raise _altered(f"the log in {self._directory} is `{self._origin}`, and `{checkpoint.origin}` was sealed")
        if not _has_root(self._directory, checkpoint):
            # WHY once more: the tree is an index, and may itself be what differs.
            logger("audit").warning(
                "the audit's tree is not what was sealed; it is made again", entries=checkpoint.size
            )
            remove_tree(self._directory)
            self._tree, self._tail = _taken_up(self._directory, self.sealed)
            if not _has_root(self._directory, checkpoint):
                raise _altered(f"the first {checkpoint.size} entries in {self._directory} are not what was sealed")
        if self._keys[0].public != signed_last:
            with self._lock:
                self._hand_over([key for key in self._keys if key.public in (self._keys[0].public, signed_last)])

    def _hand_over(self, signing: Sequence[SigningKey]) -> None:
        """Name the first of two keys in the log, and seal that under both. Called with the lock held."""
        note = signing[0].public.print()
        self._log.append(Entry(kind=Kind.KEY, time=self._clock(), step=HANDED_OVER, note=note), promised=True)
        self._seal_under(signing)

    def use_keys(self, keys: Sequence[SigningKey], former: Sequence[PublicKey] = ()) -> bool:
        """Sign with the first of these from now on; whether that is another key than before.

        Another one needs the one that signs now behind it: both sign, over an entry that names the new one, before this returns.
        Raises AuditUnavailable; the keys of before stay then, and sign.
        """
        with self._lock:
            now = self._keys[0]
            if keys[0].public == now.public:
                self._keys, self._former = keys, former
                return False
            if now.public not in [key.public for key in keys]:
                raise AuditUnavailable(
                    "the key that signs now is not among the new ones, so nobody could hand over",
                    help="`[audit] keys` lists the new key and, behind it, the one that signed before",
                    code="AUDIT_KEYS",
                )
            # INVARIANT: nothing is signed by the new key alone before both have signed.
            self._hand_over([keys[0], now])
            self._keys, self._former = keys, former
            return True

    @property
    def trusted(self) -> Sequence[PublicKey]:
        """Whose signatures count: the key that signs, those it takes over from, and those that are gone."""
        return [*(key.public for key in self._keys), *self._former]

    def seal(self) -> int:
        """Seal what is new; the number of entries that are sealed now. Raises AuditUnavailable."""
        with self._lock:
            return self._seal_under(self._keys[:1])

    def _seal_under(self, keys: Sequence[SigningKey]) -> int:
        """As `seal`, signed by all of these. Called with the lock held."""
        upto = self._log.next_seq - 1
        self._log.flush()
        if self._is_behind:
            self._tree, self._tail = _taken_up(self._directory, self.sealed)
        self._is_behind = True
        for batch in self._tail.into_tree(upto):
            if self._heard is not None and batch.first > self._heard_upto:
                self._heard_upto = batch.first + batch.count - 1
                for lines in batch.lines():
                    self._heard(lines)
        self._is_behind = False
        size = self._tree.size
        if size > self.sealed:
            root, before = self._tree.root(), digest_of(self._note)
            note = sign(Checkpoint(self._origin, size, root, before), keys)
            _write(self._directory / FILE, note)
            self._note, self.sealed = note, size
        return size

    def start(self, every: float = SEAL_EVERY) -> None:
        """Seal now, what a life before left included, and every so many seconds until `close`."""
        self._thread = threading.Thread(target=self._keep_sealing, args=(every,), name="audit-sealer", daemon=True)
        self._thread.start()

    def _keep_sealing(self, every: float) -> None:
        # WHY at once: who dies again and again within `every` would leave a log without any proof.
        while True:
            try:
                self.seal()
                self.trouble = ""
            except AuditUnavailable as error:
                if not self.trouble:
                    logger("audit").error("the log is not sealed any more", code=error.code, problem=str(error))
                self.trouble = str(error)
            if self._ended.wait(every):
                return

    def close(self) -> None:
        """Seal a last time and stop. What goes wrong is in `trouble`."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        try:
            self.seal()
        except AuditUnavailable as error:
            self.trouble = str(error)


def checkpoints(directory: Path) -> list[str]:
    """The signed notes of a log in order. A last line without an end is left out. Raises ValueError, OSError."""
    try:
        data = (directory / FILE).read_bytes()
    except FileNotFoundError:
        return []
    try:
        return [_DECODER.decode(line) for line in data.split(b"\n")[:-1]]
    except msgspec.MsgspecError as error:
        raise ValueError("a line of the checkpoints is none") from error


def last_note(directory: Path) -> str | None:
    """The last signed note of a log, found from the end of the file, however many there are; None before the first.
    Raises ValueError, OSError."""
    try:
        with (directory / FILE).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            room = MAX_NOTE_LINE
            while True:
                file.seek(max(0, size - room))
                data = file.read(room)
                # A last line without an end is left out.
                lines = data.split(b"\n")[:-1]
                if len(lines) > 1 or (lines and room >= size):
                    return _DECODER.decode(lines[-1])
                if room >= size:
                    return None
                room *= 2
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ValueError("a line of the checkpoints is none") from error


def _last_checkpoint(directory: Path) -> str | None:
    path = directory / FILE
    try:
        found = checkpoints(directory)
        whole = path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
        if path.exists() and path.stat().st_size > whole:
            os.truncate(path, whole)
    except (ValueError, OSError) as error:
        raise AuditUnavailable(
            f"the checkpoints in {directory} cannot be read",
            help="`sallyport audit verify` says more",
            code="AUDIT_ALTERED",
        ) from error
    return found[-1] if found else None


def _taken_up(directory: Path, sealed: int) -> tuple[TreeWriter, Tail]:
    """The tree as it stands on the disk, and the log behind it. Where it is missing, or less than what was sealed, it is made
    again from the segments."""
    tree = TreeWriter(directory)
    tail = Tail(directory, tree)
    if tree.size < sealed:
        for _ in tail.into_tree(sealed):
            pass
        if tree.size < sealed:
            raise AuditUnavailable(f"the log in {directory} is shorter than what was sealed", code="AUDIT_ALTERED")
    return tree, tail


def _has_root(directory: Path, checkpoint: Checkpoint) -> bool:
    return root_of(0, checkpoint.size, StoredTree(directory).node) == checkpoint.root


def _altered(problem: str) -> AuditUnavailable:
    return AuditUnavailable(
        problem,
        help="move the directory aside and keep it as evidence; `sallyport audit verify` says where it differs",
        code="AUDIT_ALTERED",
    )


def _size_of(note: str, directory: Path) -> int:
    try:
        return read_note(note)[0].size
    except ValueError as error:
        raise AuditUnavailable(f"the last checkpoint in {directory} is none", code="AUDIT_ALTERED") from error


def _write(path: Path, note: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            line, before = _ENCODER.encode(note) + b"\n", os.fstat(fd).st_size
            try:
                if os.write(fd, line) != len(line):
                    raise AuditUnavailable(
                        "a checkpoint could not be written whole", help=f"free space on {path.parent}"
                    )
                os.fdatasync(fd)
            except (OSError, AuditUnavailable):
                # INVARIANT: the next one names the last that was taken for written, so none may stand between them.
                os.ftruncate(fd, before)
                raise
        finally:
            os.close(fd)
    except OSError as error:
        raise AuditUnavailable(
            f"a checkpoint could not be written ({error.strerror})", help=f"see who may write in {path.parent}"
        ) from error


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(str)
