"""Checks an audit log of Sallyport on its own: needs Python 3.11, `cryptography` and this file, and nothing else of ours.

    python standalone.py DIRECTORY KEY [CHECKPOINT...]

KEY: the log's public key or its file; CHECKPOINT: a file with one noted down. Ends with 0: whole, 1: not, 2: could not look.

The log: `NNNN.jsonl` files, named after their first entry, a JSON object a line, numbered from 1 in "seq". The Merkle tree
of RFC 9162 is over the lines without their ends. `checkpoints.jsonl` has signed notes (C2SP `tlog-checkpoint`, Ed25519), each as
a JSON string; a note has the SHA-256 of the one before it (of nothing in the first), those of old logs have none.
A key hands over to the next by an entry of kind "key" under a checkpoint that both signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Key = tuple[str, bytes, bytes]  # name, id, public key


def decoded(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("this base64 has another spelling")
    return raw


def read_key(line: str) -> Key:
    name, named_id, encoded = line.strip().split("+", 2)
    raw = decoded(encoded)
    key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != b"\x01" or len(raw) != 33 or key_id.hex() != named_id:
        raise ValueError("this is no Ed25519 key of a signed note")
    return name, key_id, raw[1:]


def read_note(note: str) -> tuple[str, int, bytes, str, bytes, list[tuple[str, bytes, bytes]]]:
    """Origin, size, root, the line that names the note before, what was signed, and the signatures (name, key id, signature)."""
    body, _, signed = note.partition("\n\n")
    origin, size, root, *more = body.split("\n")
    parts = [line.split(" ") for line in signed.removesuffix("\n").split("\n")]
    spelled = "".join(f"\u2014 {name} {encoded}\n" for _, name, encoded in parts)
    if note != "\n".join([origin, str(int(size)), root, *more]) + f"\n\n{spelled}" or len(more) > 1:
        raise ValueError("a checkpoint has another spelling")
    signatures = [(name, decoded(encoded)[:4], decoded(encoded)[4:]) for _, name, encoded in parts]
    return origin, int(size), decoded(root), "".join(more), (body + "\n").encode(), signatures


def is_signed(note: str, key: Key) -> bool:
    """Whether the key signed; a wrong signature in its name is a ValueError."""
    *_, body, signatures = read_note(note)
    for name, key_id, signature in signatures:
        if (name, key_id) == key[:2]:
            try:
                Ed25519PublicKey.from_public_bytes(key[2]).verify(signature, body)
            except InvalidSignature:
                raise ValueError("a signature is wrong") from None
            return True
    return False


class Tree:
    def __init__(self) -> None:
        self.nodes: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        level = 0
        while self.nodes and self.nodes[-1][0] == level:
            leaf = hashlib.sha256(b"\x01" + self.nodes.pop()[1] + leaf).digest()
            level += 1
        self.nodes.append((level, leaf))
        self.size += 1

    def root(self) -> bytes:
        root = self.nodes[-1][1] if self.nodes else hashlib.sha256(b"").digest()
        for _, node in reversed(self.nodes[:-1]):
            root = hashlib.sha256(b"\x01" + node + root).digest()
        return root


def chained(listed: list[str], wrong: list[str]) -> None:
    before, size, old = "", 0, 0
    for at, note in enumerate(listed):
        _, this, _, link, *_ = read_note(note)
        if this > size and not link and old == at:
            old += 1
        elif this <= size or link != "before " + base64.b64encode(hashlib.sha256(before.encode()).digest()).decode():
            wrong.append(f"the checkpoint over {this} entries does not go on from the one before it")
        before, size = note, this
    if old:
        print(f"{old} checkpoints are of an older version: whether one of them was taken out is not proven")


def lines(paths: list[Path], wrong: list[str]) -> Iterator[tuple[bytes, dict[str, object]]]:
    first = 1
    for path in paths:
        if int(path.stem) != first:
            wrong.append(f"{path.name} begins where entry {first} belongs")
            first = int(path.stem)
        with path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    torn = f"{len(raw)} bytes of a line without an end follow entry {first - 1} in {path.name}"
                    print(torn) if path == paths[-1] else wrong.append(torn)
                    break
                entry = entry_of(raw)
                if entry.get("seq") != first or "kind" not in entry:
                    wrong.append(f"entry {first} is not where it belongs, or none")
                yield raw[:-1], entry
                first += 1


def entry_of(line: bytes) -> dict[str, object]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {}


def announced(entry: dict[str, object]) -> list[Key]:
    try:
        return [read_key(str(entry["note"]))] if (entry["kind"], entry["step"]) == ("key", "handed over") else []
    except (ValueError, KeyError):
        return []


def check(directory: Path, trusted: list[Key], kept: list[str]) -> list[str]:
    """Everything that is wrong with a log."""
    listed = [json.loads(line) for line in (directory / "checkpoints.jsonl").read_bytes().split(b"\n")[:-1]]
    wrong = [] if listed else ["there are no checkpoints"]
    chained(listed, wrong)
    waiting = sorted([*listed, *kept], key=lambda note: read_note(note)[1])
    tree, candidates, origin, covered = Tree(), list[Key](), None, 0
    source = lines(sorted(path for path in directory.glob("*.jsonl") if path.stem.isdigit()), wrong)
    line: tuple[bytes, dict[str, object]] | None = (b"", {})
    while line is not None:
        while waiting and read_note(waiting[0])[1] == tree.size:
            note = waiting.pop(0)
            name, size, root, *_ = read_note(note)
            origin = origin or name
            signers = [key for key in trusted if is_signed(note, key)]
            if not signers or name != origin:
                wrong.append(f"the checkpoint over {size} entries is signed by nobody trusted, or of another log")
            elif root != tree.root():
                return [*wrong, f"something in the entries {covered + 1} to {size} is not what was sealed"]
            else:
                covered = size
                new = [key for key in candidates if is_signed(note, key)][-1:]
                # Where both sign, one hands over to the other, and counts no more.
                trusted = [key for key in trusted if not new or key not in signers] + new
        if (line := next(source, None)) is not None:
            tree.add(hashlib.sha256(b"\x00" + line[0]).digest())
            candidates += announced(line[1])
    if waiting:
        wrong.append(f"{read_note(waiting[-1])[1]} entries were sealed, and the log has {tree.size}")
    print(f"{tree.size} entries, {covered} of them sealed; nothing is proven of those behind")
    return wrong


def main(arguments: list[str]) -> int:
    try:
        directory, key, *kept = arguments
        trusted = read_key(Path(key).read_text() if Path(key).is_file() else key)
        wrong = check(Path(directory), [trusted], [Path(one).read_text() for one in kept])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        print(f"wrong: what stands there is no log: {error}")
        return 1
    except OSError as error:
        print(f"could not look: {error}")
        return 2
    print("".join(f"wrong: {one}\n" for one in wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
