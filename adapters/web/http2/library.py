"""The libraries `h2` and `hpack` as we use them: neither looks at fields (that is ours), and what a head says is kept from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from h2.config import H2Configuration
from h2.connection import H2Connection
from hpack import Decoder, Encoder, HeaderTuple

from adapters.core.buffer import KIB
from adapters.web.http2.heads import Fields

MAX_HEADER_LIST = 64 * KIB


class FieldReader(Decoder):
    """Keeps the fields of the last head to itself. WHY: one that it dislikes (a length) the library ends the connection for.

    Of a target's head it tells that it is one before the answer: the library counts heads by that.
    """

    def __init__(self, *, tells_interim: bool) -> None:
        super().__init__(MAX_HEADER_LIST)
        self._tells_interim = tells_interim
        self.last: Fields = ()

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        """The fields are in `last`."""
        self.last = [(bytes(name), bytes(value)) for name, value in super().decode(data, raw=True)]
        name, value = self.last[0] if self.last else (b"", b"")
        is_interim = self._tells_interim and name == b":status" and len(value) == 3 and value.startswith(b"1")
        return [HeaderTuple(name, value)] if is_interim else []


class InFull(Encoder):
    """Says each head in full. WHY: heads of different people, with credentials, go through one connection."""

    def __init__(self) -> None:
        super().__init__()
        self.header_table.maxsize = 0
        self.table_size_changes.append(0)

    @property
    def header_table_size(self) -> int:
        """None."""
        return 0

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        """As much as a target would keep: nothing is to be kept."""


class Library(H2Connection):
    """One connection of theirs. `fields` reads the heads of the peer."""

    MAX_CLOSED_STREAMS = 1000

    def __init__(self, *, is_client: bool) -> None:
        config = H2Configuration(
            client_side=is_client,
            header_encoding=None,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=True,
            normalize_outbound_headers=False,
        )
        super().__init__(config)
        self.decoder = self.fields = FieldReader(tells_interim=is_client)
        if is_client:
            self.encoder = InFull()
