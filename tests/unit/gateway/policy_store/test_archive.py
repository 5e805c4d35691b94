"""Only what we would have written is read: nothing compressed, linked, doubled, hidden, or leading elsewhere."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable

import pytest

from gateway.policy_store import archive as module
from gateway.policy_store.archive import ArchiveRefused, read_archive, write_archive

FILES = {"a.rego": b"package a", "b/c.gate": "policy é".encode(), "b/data.json": b"{}"}


def by_hand(*entries: tuple[zipfile.ZipInfo | str, bytes], **options: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as made:  # type: ignore[call-overload]  # options of a test
        for name, content in entries:
            info = name if isinstance(name, zipfile.ZipInfo) else plain(name)
            made.writestr(info, content, compress_type=info.compress_type)
    return out.getvalue()


def plain(name: str, mode: int = stat.S_IFREG | 0o644, **fields: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def test_what_was_written_is_read() -> None:
    assert read_archive(write_archive(FILES.items())) == FILES
    assert read_archive(write_archive([])) == {}


def test_the_order_of_files_does_not_count() -> None:
    assert write_archive(reversed(list(FILES.items()))) == write_archive(FILES.items())


@pytest.mark.parametrize(
    "name",
    [
        "../a.rego",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "./a",
        "a\\b",
        "C:/a",
        "",
        ".",
        "a\nb",
        "a\x7fb",
        "x" * 401,
        "a/",
        "\u202ea",
    ],
)
def test_names_that_lead_elsewhere_are_neither_written_nor_read(name: str) -> None:
    with pytest.raises(ArchiveRefused):
        write_archive([(name, b"")])
    with pytest.raises(ArchiveRefused):
        read_archive(by_hand((plain(name), b"x")))


@pytest.mark.parametrize(
    "entry",
    [
        plain("link", stat.S_IFLNK | 0o777),
        plain("folder", stat.S_IFDIR | 0o755),
        plain("device", stat.S_IFCHR | 0o644),
        plain("program", stat.S_IFREG | 0o755),
        plain("setuid", stat.S_IFREG | 0o4644),
        plain("packed", compress_type=zipfile.ZIP_DEFLATED),
        plain("packed", compress_type=zipfile.ZIP_LZMA),
    ],
    ids=lambda info: f"{info.filename}-{info.compress_type}",
)
def test_only_plain_files_are_read(entry: zipfile.ZipInfo) -> None:
    with pytest.raises(ArchiveRefused):
        read_archive(by_hand((entry, b"x" * 100)))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_comes_twice_however_it_is_written() -> None:
    for first, second in (("a.rego", "a.rego"), ("a.rego", "A.rego")):
        with pytest.raises(ArchiveRefused):
            read_archive(by_hand((first, b"1"), (second, b"2")))


def test_a_bomb_is_refused_before_it_is_read() -> None:
    bomb = by_hand((plain("a.rego", compress_type=zipfile.ZIP_DEFLATED), b"\0" * 50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(ArchiveRefused, match="compressed"):
        read_archive(bomb)


def lie(raw: bytes, at: Callable[[bytes], int], value: int, size: int = 4) -> bytes:
    place = at(raw)
    return raw[:place] + value.to_bytes(size, "little") + raw[place + size :]


def test_a_table_of_contents_that_lies_is_refused() -> None:
    raw = by_hand(("a.rego", b"x" * 50), ("b.rego", b"y" * 50))
    central = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", central + 1)
    for place, value in ((central + 24, 1 << 30), (central + 20, 10), (second + 42, 0), (second + 42, 1 << 30)):
        with pytest.raises(ArchiveRefused):
            read_archive(lie(raw, lambda _, place=place: place, value))
    with pytest.raises(ArchiveRefused):
        read_archive(lie(raw, lambda _: central + 8, 1, 2))


def test_files_that_share_their_bytes_are_refused() -> None:
    """The better zip bomb: many entries of the table name one file."""
    raw = by_hand(("a.rego", b"x" * 50), ("b.rego", b"y" * 50))
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    with pytest.raises(ArchiveRefused):
        read_archive(lie(raw, lambda _: second + 42, 10))


def test_a_file_inside_another_files_bytes_is_refused() -> None:
    inner = by_hand(("b.rego", b"y" * 50))[: 30 + len("b.rego") + 50]
    raw = by_hand(("a.rego", inner), ("b.rego", b"y" * 50))
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    with pytest.raises(ArchiveRefused, match="overlap"):
        read_archive(lie(raw, lambda _: second + 42, 30 + len("a.rego")))


def test_there_is_an_end_to_numbers_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_archive(FILES.items())
    for limit, value in (("MAX_FILES", 2), ("MAX_FILE_BYTES", 5), ("MAX_BYTES", 10)):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, value)
            with pytest.raises(ArchiveRefused):
                read_archive(raw)


def test_a_changed_byte_inside_a_file_is_seen() -> None:
    raw = bytearray(write_archive(FILES.items()))
    raw[raw.index(b"package a")] ^= 1
    with pytest.raises(ArchiveRefused):
        read_archive(bytes(raw))
