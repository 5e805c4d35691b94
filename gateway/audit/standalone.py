"""Checks an audit log of Sallyport on its own: needs Python 3.11, `cryptography` and this file, and nothing else of ours.

    python standalone.py DIRECTORY KEY [CHECKPOINT...]

KEY is the log's public key in one line, or a file with it; each CHECKPOINT a file with one that was noted down earlier.
Prints what it found and ends with 0 if the log is whole, 1 if not, 2 if it could not look.

The log: `NNNN.jsonl` files, named after their first entry, a JSON object a line, numbered from 1 in "seq". The Merkle tree
of RFC 9162 is over the lines without their ends. `checkpoints.jsonl` has signed notes (C2SP `tlog-checkpoint`, Ed25519), each as a JSON string.
A key hands over to the next by an entry of kind "key" under a checkpoint that both signed. Where the first segments were
retired, their leaf hashes stand in `tree/00`.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NUMBER = re.compile(rb'\{"seq":([1-9][0-9]{0,18}),')
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


def read_note(note: str) -> tuple[str, int, bytes, bytes, list[tuple[str, bytes, bytes]]]:
    """Origin, size, root, what was signed, and the signatures (name, key id, signature)."""
    body, _, signed = note.partition("\n\n")
    origin, size, root = body.split("\n")
    parts = [line.split(" ") for line in signed.removesuffix("\n").split("\n")]
    spelled = "".join(f"\u2014 {name} {encoded}\n" for _, name, encoded in parts)
    if note != f"{origin}\n{int(size)}\n{root}\n\n{spelled}":
        raise ValueError("a checkpoint has another spelling")
    signatures = [(name, decoded(encoded)[:4], decoded(encoded)[4:]) for _, name, encoded in parts]
    return origin, int(size), decoded(root), (body + "\n").encode(), signatures


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
        if not self.nodes:
            return hashlib.sha256(b"").digest()
        root = self.nodes[-1][1]
        for _, node in reversed(self.nodes[:-1]):
            root = hashlib.sha256(b"\x01" + node + root).digest()
        return root


def lines(paths: list[Path], first: int, wrong: list[str]) -> Iterator[bytes]:
    for path in paths:
        if int(path.stem) != first:
            wrong.append(f"{path.name} begins where entry {first} belongs")
        with path.open("rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    if path != paths[-1]:
                        wrong.append(f"entry {first} has no end, and more segments follow")
                    else:
                        print(f"a torn tail of {len(raw)} bytes follows entry {first - 1}")
                    break
                found = NUMBER.match(raw)
                if found is None or int(found[1]) != first:
                    wrong.append(f"entry {first} is not where it belongs")
                yield raw[:-1]
                first += 1


def announced(line: bytes) -> list[Key]:
    try:
        entry = json.loads(line) if b'"kind":"key"' in line else {}
        return [read_key(entry["note"])] if entry.get("step") == "handed over" else []
    except (ValueError, KeyError, AttributeError):
        return []


def check(directory: Path, trusted: list[Key], kept: list[str]) -> list[str]:
    """Everything that is wrong with a log."""
    wrong: list[str] = []
    listed = [json.loads(line) for line in (directory / "checkpoints.jsonl").read_bytes().split(b"\n")[:-1]]
    sizes = [read_note(note)[1] for note in listed]
    if any(after <= before for before, after in itertools.pairwise(sizes)) or not sizes:
        wrong.append("there are no checkpoints, or they are not in order")
    waiting = sorted([*listed, *kept], key=lambda note: read_note(note)[1])
    paths = sorted(path for path in directory.glob("*.jsonl") if path.stem.isdigit())
    tree, candidates, origin, covered = Tree(), list[Key](), None, 0
    first = int(paths[0].stem) if paths else 1
    retired = (directory / "tree" / "00").read_bytes()[: (first - 1) * 32] if first > 1 else b""
    for at in range(0, len(retired), 32):
        tree.add(retired[at : at + 32])
    source = lines(paths, tree.size + 1, wrong)
    while True:
        while waiting and read_note(waiting[0])[1] == tree.size:
            note = waiting.pop(0)
            name, size, root, _, _ = read_note(note)
            origin = origin or name
            signers = [key for key in trusted if is_signed(note, key)]
            if not signers or name != origin:
                wrong.append(f"the checkpoint over {size} entries is signed by nobody trusted, or of another log")
            elif root != tree.root():
                return [*wrong, f"something in the entries {covered + 1} to {size} is not what was sealed"]
            else:
                covered = size
                trusted += [key for key in candidates if is_signed(note, key) and key not in trusted]
        line = next(source, None)
        if line is None:
            break
        tree.add(hashlib.sha256(b"\x00" + line).digest())
        candidates += announced(line)
    if waiting:
        wrong.append(f"{read_note(waiting[-1])[1]} entries were sealed, and the log has {tree.size}")
    print(f"{tree.size} entries, {covered} of them sealed")
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
    for one in wrong:
        print(f"wrong: {one}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
