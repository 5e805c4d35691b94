"""The target's side until it is ready."""

from __future__ import annotations

import hashlib
import struct

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Target
from adapters.errors import PeerProtocolError
from adapters.postgres.scram import ScramServer
from adapters.postgres.session.approach import Approach
from adapters.postgres.session.outbox import Outbox
from tests.wire import TARGET, VERIFIER, error, kinds, message, ready, split

OK = message("R", bytes(4))
KEY = message("K", b"pid!key!")
SECURE = Target("db.example", 5432, "app", "pencil", "main", tls=True)


def dialled(target: Target = TARGET, database: str | None = None) -> tuple[Approach, Outbox]:
    out = Outbox()
    approach = Approach(out, target, database, {"TimeZone": "UTC"}, b"nonce")
    assert out.effects() == [do.OpenUpstream()]
    return approach, out


def sent(out: Outbox) -> bytes:
    return b"".join(wish.data for wish in out.effects() if isinstance(wish, do.Send))


def test_tls_comes_before_the_first_word_and_is_never_given_up() -> None:
    approach, out = dialled(SECURE)
    approach.opened(tls=False)
    assert sent(out) == struct.pack("!II", 8, 80877103)
    approach.upstream(b"S")
    assert out.effects() == [do.StartTls(Side.UPSTREAM, in_core=True)]
    for answer in (b"N", b"E", b"S!"):
        approach, out = dialled(SECURE)
        approach.opened(tls=False)
        with pytest.raises(PeerProtocolError):
            approach.upstream(answer)


def test_the_gateways_own_role_signs_in_with_the_clients_harmless_settings() -> None:
    approach, out = dialled()
    approach.opened(tls=False)
    words = sent(out)[8:].split(b"\0")
    assert words[:8] == [b"user", b"app", b"database", b"main", b"client_encoding", b"UTF8", b"TimeZone", b"UTC"]


def test_what_follows_the_greeting_is_handed_on() -> None:
    approach, _ = dialled()
    approach.opened(tls=False)
    settings = message("S", b"server_version\00015\0") + message("S", b"my.secret\0x\0")
    assert approach.upstream(OK + settings) is None
    assert approach.upstream(KEY + ready() + b"rest") == b"rest"
    assert approach.key == b"pid!key!"
    assert [split(one)[0][1] for one in approach.greeting] == [b"server_version\00015\0"]


def exchange(password: str, lies: bool = False, end_point: bytes | None = None) -> tuple[Approach, Outbox, bytes]:
    approach, out = dialled(Target("db.example", 5432, "app", password, tls=False))
    if end_point is None:
        approach.opened(tls=False)
    else:
        approach.secured(end_point)
    sent(out)
    approach.upstream(message("R", struct.pack("!I", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"))
    server = ScramServer(b"server", b"digest" if end_point is not None else None, is_bound=end_point is not None)
    mechanism, _, rest = split(sent(out))[0][1].partition(b"\0")
    assert mechanism == (b"SCRAM-SHA-256" if end_point is None else b"SCRAM-SHA-256-PLUS")
    first = rest[4:]
    approach.upstream(message("R", struct.pack("!I", 11) + server.first(first, VERIFIER)))
    wish = out.effects()[0]
    assert isinstance(wish, do.DeriveKey)
    approach.key_derived(hashlib.pbkdf2_hmac("sha256", wish.secret, wish.salt, wish.iterations))
    final = server.final(split(sent(out))[0][1])
    return approach, out, b"v=AAAA" if lies or final is None else final


def test_scram_at_the_target_goes_both_ways() -> None:
    approach, _, final = exchange("pencil")
    approach.upstream(message("R", struct.pack("!I", 12) + final) + OK + KEY)
    assert approach.upstream(ready()) == b""


def test_the_proof_for_a_target_is_bound_to_its_certificate_where_it_offers_that() -> None:
    approach, _, final = exchange("pencil", end_point=b"digest")
    approach.upstream(message("R", struct.pack("!I", 12) + final) + OK + KEY)
    assert approach.upstream(ready()) == b""
    with pytest.raises(PeerProtocolError):
        exchange("pencil", end_point=b"of whoever stands between")


def test_a_target_from_whose_offer_the_binding_was_taken_hears_of_it() -> None:
    approach, out = dialled()
    approach.secured(b"digest")
    sent(out)
    approach.upstream(message("R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0"))
    assert split(sent(out))[0][1].partition(b"\0")[2][4:].startswith(b"y,,")


def test_a_target_that_does_not_prove_itself_is_not_believed() -> None:
    approach, _, final = exchange("pencil", lies=True)
    with pytest.raises(PeerProtocolError):
        approach.upstream(message("R", struct.pack("!I", 12) + final))
    approach, _, _ = exchange("pencil")
    with pytest.raises(PeerProtocolError):
        approach.upstream(OK)


def test_a_password_in_clear_needs_tls() -> None:
    approach, _ = dialled()
    approach.opened(tls=False)
    with pytest.raises(PeerProtocolError):
        approach.upstream(message("R", struct.pack("!I", 3)))
    approach, out = dialled(SECURE)
    approach.opened(tls=True)
    sent(out)
    approach.upstream(message("R", struct.pack("!I", 3)))
    assert sent(out) == message("p", b"pencil\0")


def test_md5_is_spoken_where_a_target_wants_it() -> None:
    approach, out = dialled(SECURE)
    approach.opened(tls=True)
    sent(out)
    approach.upstream(message("R", struct.pack("!I", 5) + b"salt"))
    inner = hashlib.md5(b"pencilapp").hexdigest().encode()
    assert sent(out) == message("p", b"md5" + hashlib.md5(inner + b"salt").hexdigest().encode() + b"\0")


@pytest.mark.parametrize(
    "said",
    [
        ready(),
        KEY,
        message("R", struct.pack("!I", 7)),
        message("R", struct.pack("!I", 12) + b"v=AAAA"),
        message("R", struct.pack("!I", 11) + b"r=x"),
        message("R", struct.pack("!I", 10) + b"SCRAM-SHA-256-PLUS\0\0"),
        message("D", b"\0\0"),
        OK + ready("T"),
        OK + OK,
        b"HTTP/1.1 400 Bad Request",
    ],
)
def test_a_target_out_of_order_is_refused(said: bytes) -> None:
    approach, _ = dialled()
    approach.opened(tls=False)
    with pytest.raises(PeerProtocolError):
        approach.upstream(said)


def test_the_targets_words_about_a_failed_sign_in_stay_with_us() -> None:
    approach, _ = dialled()
    approach.opened(tls=False)
    with pytest.raises(PeerProtocolError) as refused:
        approach.upstream(error("28P01", 'password authentication failed for user "app"'))
    assert refused.value.code == "28P01"
    assert "app" not in str(refused.value)


def test_a_resource_with_one_database_has_no_other() -> None:
    with pytest.raises(PeerProtocolError) as refused:
        dialled(TARGET, "other")
    assert refused.value.code == "3D000"
    approach, out = dialled(Target("db.example", 5432, "app", tls=False), "other")
    approach.opened(tls=False)
    assert b"database\0other\0" in sent(out)


def test_events_that_come_at_the_wrong_time_change_nothing() -> None:
    approach, out = dialled()
    approach.key_derived(b"x")
    assert out.effects() == []
    assert saw.KeyDerived(b"x").key == b"x"
    assert kinds(OK) == "R"
