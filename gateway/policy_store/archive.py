"""Files in one archive and out again: a ZIP without compression, so that the same files are the same bytes everywhere.

Writing knows no clock, owner or order. Reading trusts nothing: it looks at the table of contents before it reads a byte of
a file, and refuses whatever `write_archive` would not have written: compression (so there are no bombs), links, folders,
encryption, names that lead elsewhere, a name twice, files that overlap, more files or bytes than a policy folder may have.
Nothing is ever written to a disk from here. Called by `bundle`.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from gateway.errors import PolicyUnusable
from gateway.policy_store.folder import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES

EPOCH = (1980, 1, 1, 0, 0, 0)
MAX_NAME = 400
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\\]+")
_LOCAL_HEADER = 30
_REGULAR = 0o100644 << 16


class ArchiveRefused(PolicyUnusable):
    """An archive that nobody of ours wrote."""

    code = "BUNDLE_MALFORMED"


def write_archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The archive of some files; the order they come in does not count. Raises ArchiveRefused for names nobody could read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
        for name, content in sorted(files):
            check_name(name)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3
            entry.external_attr = _REGULAR
            archive.writestr(entry, content)
    return out.getvalue()


def read_archive(raw: bytes) -> Mapping[str, bytes]:
    """The files of an archive by name. Raises ArchiveRefused, and never anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            _check_contents(entries, archive.start_dir)
            return {entry.filename: archive.read(entry) for entry in entries}
    except ArchiveRefused:
        raise
    # WHY so many: what zipfile raises for hostile bytes is not documented; tests/fuzz/test_bundle_bytes.py looks for more.
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        RuntimeError,
        ValueError,
        OSError,
        EOFError,
        OverflowError,
        KeyError,
        IndexError,
        struct.error,
    ) as error:
        raise ArchiveRefused("the bundle's archive cannot be read") from error


def check_name(name: str) -> None:
    """Raise ArchiveRefused for a name that is no plain path below the archive."""
    path = PurePosixPath(name)
    is_plain = bool(_PLAIN.fullmatch(name)) and len(name) <= MAX_NAME and name.isprintable()
    if not is_plain or path.is_absolute() or ".." in path.parts or str(path) != name or name == "." or ":" in name:
        raise ArchiveRefused("the bundle holds a file whose name is no plain path")


def _check_contents(entries: list[zipfile.ZipInfo], end: int) -> None:
    """INVARIANT: everything that is read later was counted here."""
    if len(entries) > MAX_FILES:
        raise ArchiveRefused(f"the bundle holds more than {MAX_FILES} files")
    seen: set[str] = set()
    total = at = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        check_name(entry.orig_filename)
        if entry.filename != entry.orig_filename or entry.filename in seen:
            raise ArchiveRefused("the bundle holds two files of one name")
        seen.add(entry.filename)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise ArchiveRefused("the bundle holds a compressed file")
        if entry.external_attr != _REGULAR or entry.flag_bits & ~0x800:
            raise ArchiveRefused("the bundle holds something that is no plain file")
        if entry.file_size > MAX_FILE_BYTES:
            raise ArchiveRefused(f"the bundle holds a file of more than {MAX_FILE_BYTES} bytes")
        if entry.header_offset < at:
            raise ArchiveRefused("the bundle's files overlap")
        at = entry.header_offset + _LOCAL_HEADER + entry.file_size
        total += entry.file_size
    if total > MAX_BYTES or at > end:
        raise ArchiveRefused(f"the bundle holds more than {MAX_BYTES} bytes, or files beyond its end")
    if len({name.casefold() for name in seen}) != len(seen):
        raise ArchiveRefused("the bundle holds two files whose names differ in case alone")
