"""Proofs for people who have no access to the log: that an entry is in it, and that it only ever grew.

A proof of inclusion is a text in the C2SP format `tlog-proof`: the index, the path, a signed checkpoint. Reads a few hashes
of the stored tree and one line; never the whole log. Called by `sallyport audit prove` and `verify --proof`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.audit.checkpoint import PublicKey, open_note, read_note
from gateway.audit.log import segments
from gateway.audit.merkle import MAX_PATH, consistency_path, inclusion_path, is_included, leaf_hash
from gateway.audit.sealing import checkpoints, last_note
from gateway.audit.tail import number_of
from gateway.audit.tree import StoredTree
from gateway.errors import AuditUnavailable

HEAD = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 64 << 10


@dataclass(frozen=True, slots=True)
class Proof:
    """That the leaf with this index is under the checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: str

    def print(self) -> str:
        """The proof as a text."""
        hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in self.path)
        return f"{HEAD}\nindex {self.index}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Proof:
        """The proof of a text. Raises ValueError."""
        if len(text) > MAX_PROOF:
            raise ValueError("the proof is too long")
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if lines and len(lines) > 1 and lines[1].startswith("extra "):
            del lines[1]
        if not blank or len(lines) < 2 or lines[0] != HEAD or not lines[1].startswith("index "):
            raise ValueError("this is no proof of inclusion")
        number = lines[1].removeprefix("index ")
        if not number.isascii() or not number.isdigit() or len(number) > 19 or len(lines) - 2 > MAX_PATH:
            raise ValueError("the index or the path of the proof is none")
        try:
            path = tuple(base64.b64decode(line, validate=True) for line in lines[2:])
        except (ValueError, binascii.Error) as error:
            raise ValueError("a line of the path is no base64") from error
        if any(len(one) != 32 for one in path):
            raise ValueError("a line of the path is no hash")
        return cls(int(number), path, note)


@dataclass(frozen=True, slots=True)
class Growth:
    """That the log of one checkpoint begins the log of another."""

    old: str
    new: str
    path: tuple[bytes, ...]


def prove_entry(directory: Path, seq: int) -> tuple[Proof, bytes]:
    """The proof for an entry under the last checkpoint, and its line. Raises AuditUnavailable."""
    size, note = _last_checkpoint(directory)
    if not 0 < seq <= size:
        raise AuditUnavailable(f"entry {seq} is not under the last checkpoint, which covers 1 to {size}")
    stored = StoredTree(directory)
    path = inclusion_path(seq - 1, size, stored.node)
    return Proof(seq - 1, tuple(path), note), _line(directory, seq, stored.place(seq - 1))


def prove_growth(directory: Path, old_size: int) -> Growth:
    """The proof that the log under the last checkpoint continues that of an older one. Raises AuditUnavailable."""
    found = _checkpoints(directory)
    older = [note for size, note in found if size == old_size]
    if not older:
        raise AuditUnavailable(
            f"there is no checkpoint over {old_size} entries",
            help="a size that `checkpoints.jsonl` names, or the checkpoint you noted down",
        )
    size, note = found[-1]
    return Growth(older[-1], note, tuple(consistency_path(old_size, size, StoredTree(directory).node)))


def check_entry(proof: Proof, line: bytes, trusted: Sequence[PublicKey]) -> int:
    """The number of the entry that a proof proves. Raises ValueError when it proves nothing."""
    checkpoint, _ = open_note(proof.note, trusted)
    if number_of(line) != proof.index + 1:
        raise ValueError("the line is not the entry that the proof is about")
    if not is_included(leaf_hash(line), proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise ValueError("the path does not lead from the line to the root")
    return proof.index + 1


def _last_checkpoint(directory: Path) -> tuple[int, str]:
    # WHY not all of them: there is one for each second with entries, and a proof needs one.
    try:
        note = last_note(directory)
        if note is not None:
            return read_note(note)[0].size, note
    except (ValueError, OSError) as error:
        raise _unreadable(directory) from error
    raise _none_yet(directory)


def _checkpoints(directory: Path) -> list[tuple[int, str]]:
    try:
        found = [(read_note(note)[0].size, note) for note in checkpoints(directory)]
    except (ValueError, OSError) as error:
        raise _unreadable(directory) from error
    if not found:
        raise _none_yet(directory)
    return found


def _unreadable(directory: Path) -> AuditUnavailable:
    return AuditUnavailable(f"the checkpoints in {directory} cannot be read", help="`sallyport audit verify` says more")


def _none_yet(directory: Path) -> AuditUnavailable:
    return AuditUnavailable(
        f"the log in {directory} has no checkpoint yet", help="a running gateway makes one within a second"
    )


def _line(directory: Path, seq: int, place: int) -> bytes:
    holding = [path for path in segments(directory) if int(path.stem) <= seq]
    if not holding:
        raise AuditUnavailable(f"the segment with entry {seq} is gone", code="AUDIT_ALTERED")
    with holding[-1].open("rb") as file:
        file.seek(place)
        line = file.readline()
    if not line.endswith(b"\n") or number_of(line) != seq:
        raise AuditUnavailable(f"`{holding[-1].name}` does not hold entry {seq} where it was", code="AUDIT_ALTERED")
    return line[:-1]
