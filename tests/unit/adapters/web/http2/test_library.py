"""What the libraries are told, and what is kept from them."""

from __future__ import annotations

from hpack import Encoder

from adapters.web.http2.library import FieldReader, InFull, Library

HEAD = [(b":status", b"103"), (b"x", b"y")]


def test_fields_are_kept_from_the_library_but_for_a_head_before_the_answer() -> None:
    reader = FieldReader(tells_interim=True)
    assert list(reader.decode(Encoder().encode(HEAD))) == [HEAD[0]]
    assert reader.last == HEAD
    assert list(reader.decode(Encoder().encode([(b":status", b"200")]))) == []
    assert list(reader.decode(Encoder().encode([(b":status", b"1000")]))) == []
    assert list(FieldReader(tells_interim=False).decode(Encoder().encode(HEAD))) == []
    assert list(reader.decode(b"")) == []
    assert reader.last == []


def test_heads_to_targets_are_in_no_table_whatever_the_target_would_keep() -> None:
    library = Library(is_client=True)
    assert isinstance(library.encoder, InFull)
    library.encoder.header_table_size = 4096
    assert library.encoder.header_table_size == 0
    first = library.encoder.encode(HEAD)
    assert library.encoder.encode(HEAD) in first
    assert not isinstance(Library(is_client=False).encoder, InFull)
