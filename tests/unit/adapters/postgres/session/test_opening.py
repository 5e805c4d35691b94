"""From the first byte to a proof."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import pytest

from adapters.core import effects as do
from adapters.core import events as saw
from adapters.core.events import Side
from adapters.core.ports import Refusal
from adapters.postgres.scram import ScramClient
from adapters.postgres.session import ClientProof, PostgresSession
from tests.playbook import Playbook
from tests.wire import KEY, TARGET, VERIFIER, errors, message, packet, query, settings, split, startup

SSL_REQUEST = packet(struct.pack("!I", 80877103))
GSS_REQUEST = packet(struct.pack("!I", 80877104))


def fresh(**more: object) -> Playbook:
    return Playbook(PostgresSession(settings(**more)))


@dataclass(frozen=True)
class Proven:
    user: str
    groups: tuple[str, ...] = ()


def refused(play: Playbook) -> str:
    """The SQLSTATE with which the connection ended."""
    play.take(do.Close)
    sent = play.sent(Side.CLIENT)
    return errors(sent[sent.index(b"E\0") :])[0]["C"]


def test_tls_is_granted_once_and_nothing_before_it_counts() -> None:
    fresh().client(SSL_REQUEST).wished(do.Send(Side.CLIENT, b"S"), do.StartTls(Side.CLIENT)).wished_nothing()
    assert refused(fresh().client(SSL_REQUEST + startup(user="ann"))) == "08P01"


HELLO = b"\x16\x03\x01\x00\x05hello"


def direct(protocol: str | None, **more: object) -> Playbook:
    play = fresh(**more).client(HELLO).wished(do.StartTls(Side.CLIENT, begun=HELLO)).wished_nothing()
    return play.saw(saw.TlsStarted(Side.CLIENT, protocol=protocol))


def test_tls_may_begin_with_the_first_byte_where_it_is_meant_for_postgresql() -> None:
    play = direct("postgresql", proof=ClientProof.TOKEN).client(startup(user="ann"))
    assert split(play.sent(Side.CLIENT)) == [("R", struct.pack("!I", 3))]
    for protocol in (None, "h2"):
        assert refused(direct(protocol)) == "08P01"


def test_tls_begins_once_and_where_there_is_some() -> None:
    assert refused(fresh(tls_offered=False).client(HELLO)) == "0A000"
    for before in (GSS_REQUEST, b""):
        play = fresh().client(before) if before else direct("postgresql")
        play.wishes.clear()
        assert refused(play.client(HELLO)) == "08P01"


def certified(name: str | None, **more: object) -> Playbook:
    play = fresh(**more).client(SSL_REQUEST).saw(saw.TlsStarted(Side.CLIENT, name))
    play.wishes.clear()
    return play.client(startup(user="ann", database="orders"))


@pytest.mark.parametrize("proof", ClientProof)
def test_a_certificate_proves_whom_it_names_and_nobody_else(proof: ClientProof) -> None:
    for name, proven in (("ann", True), ("ben", False), ("Ann", False), ("", False)):
        play = certified(name, proof=proof)
        assert play.wishes == [do.Admit("ann", "orders", "postgres", proven)]
    assert not [wish for wish in certified(None, proof=proof).wishes if isinstance(wish, do.Admit)]


def bound(mechanism: str, first: bytes, offered: bytes | None = b"digest") -> Playbook:
    play = fresh(proof=ClientProof.SCRAM).client(SSL_REQUEST).saw(saw.TlsStarted(Side.CLIENT, end_point=offered))
    play.wishes.clear()
    play.client(startup(user="ann", database="orders"))
    names = b"SCRAM-SHA-256-PLUS\0" if offered else b""
    assert split(play.sent(Side.CLIENT)) == [("R", b"\0\0\0\n" + names + b"SCRAM-SHA-256\0\0")]
    play.wishes.clear()
    body = mechanism.encode() + b"\0" + struct.pack("!I", len(first)) + first
    return play.client(message("p", body)).saw(saw.VerifierFound(VERIFIER))


@pytest.mark.parametrize(("end_point", "proven"), [(b"digest", True), (b"another", False)])
def test_a_proof_may_be_bound_to_the_tls_that_it_goes_over(end_point: bytes, proven: bool) -> None:
    client = ScramClient(b"client", end_point, is_bound=True)
    play = bound("SCRAM-SHA-256-PLUS", client.first())
    challenge = client.challenge(split(play.sent(Side.CLIENT))[-1][1][4:])
    play.wishes.clear()
    play.client(
        message("p", client.final(hashlib.pbkdf2_hmac("sha256", b"pencil", challenge.salt, challenge.iterations)))
    )
    if proven:
        assert play.wishes[-1] == do.Admit("ann", "orders", "postgres", True)
    else:
        assert refused(play) == "28P01"


def test_who_is_told_of_no_binding_where_one_was_offered_was_lied_to() -> None:
    assert refused(bound("SCRAM-SHA-256", b"y,,n=,r=abc")) == "28P01"
    assert refused(bound("SCRAM-SHA-256", b"p=tls-server-end-point,,n=,r=abc")) == "28P01"
    assert refused(bound("SCRAM-SHA-256-PLUS", b"n,,n=,r=abc")) == "28P01"
    assert refused(bound("SCRAM-SHA-256-PLUS", b"p=tls-unique,,n=,r=abc")) == "28P01"
    for first, offered in ((b"n,,n=,r=abc", b"digest"), (b"y,,n=,r=abc", None)):
        assert split(bound("SCRAM-SHA-256", first, offered).sent(Side.CLIENT))[-1][1].startswith(b"\0\0\0\x0br=abc")


def test_tls_inside_tls_is_refused() -> None:
    play = fresh().client(SSL_REQUEST).saw(saw.TlsStarted(Side.CLIENT))
    play.wishes.clear()
    assert refused(play.client(SSL_REQUEST)) == "08P01"


def test_gss_is_refused_with_a_no_and_once() -> None:
    play = fresh().client(GSS_REQUEST).wished(do.Send(Side.CLIENT, b"N"))
    assert refused(play.client(GSS_REQUEST)) == "08P01"


def test_without_tls_of_our_own_the_answer_is_no() -> None:
    fresh(tls_offered=False).client(SSL_REQUEST).wished(do.Send(Side.CLIENT, b"N")).wished_nothing()


def test_where_tls_is_required_nobody_comes_without() -> None:
    assert refused(fresh(tls_required=True).client(startup(user="ann"))) == "28000"


def test_a_token_is_never_taken_in_clear() -> None:
    assert refused(fresh().client(startup(user="ann"))) == "28000"


@pytest.mark.parametrize(("code", "sqlstate"), [(0x00020000, "0A000"), (0x00040000, "0A000")])
def test_another_major_version_is_refused(code: int, sqlstate: str) -> None:
    assert refused(fresh().client(startup(code, user="ann"))) == sqlstate


@pytest.mark.parametrize(("minor", "spoken"), [(1, 0), (3, 2), (9999, 2)])
def test_a_newer_minor_version_is_negotiated_down(minor: int, spoken: int) -> None:
    play = fresh(proof=ClientProof.SCRAM).client(startup(196608 + minor, user="ann", **{"_pq_.x": "1"}))
    kind, body = split(play.sent(Side.CLIENT))[0]
    assert (kind, body) == ("v", struct.pack("!II", 196608 + spoken, 1) + b"_pq_.x\0")


def test_a_cancel_is_passed_on_and_gets_no_answer() -> None:
    play = fresh().client(packet(struct.pack("!I", 80877102) + KEY[:8]))
    assert play.take(do.Interrupt).key == KEY[:8]
    assert play.sent(Side.CLIENT) == b""


def scram(password: bytes, **more: object) -> Playbook:
    play = fresh(proof=ClientProof.SCRAM, **more).client(startup(user="ann", database="orders/main"))
    client = ScramClient(b"nonce")
    first = client.first()
    body = b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first
    play.client(message("p", body))
    assert play.take(do.FindVerifier).user == "ann"
    play.sent(Side.CLIENT)
    play.saw(saw.VerifierFound(VERIFIER))
    challenge = client.challenge(split(play.sent(Side.CLIENT))[0][1][4:])
    salted = hashlib.pbkdf2_hmac("sha256", password, challenge.salt, challenge.iterations)
    return play.client(message("p", client.final(salted)))


def test_whoever_knows_the_password_is_asked_about_as_proven() -> None:
    admit = scram(b"pencil").take(do.Admit)
    assert (admit.user, admit.resource, admit.database, admit.proven) == ("ann", "orders", "main", True)


def test_a_wrong_password_is_asked_about_too_and_refused_in_the_same_words() -> None:
    play = scram(b"pen")
    assert not play.take(do.Admit).proven
    play.saw(saw.Refused(Refusal("28P01", "no such user ann in the directory")))
    shown = errors(play.sent(Side.CLIENT))[0]
    assert (shown["C"], shown["M"]) == ("28P01", 'password authentication failed for user "ann"')
    play.take(do.Close)


def test_a_listener_bound_to_a_resource_takes_dbname_as_a_database() -> None:
    admit = scram(b"pencil", resource="billing").take(do.Admit)
    assert (admit.resource, admit.database) == ("billing", "orders/main")


def test_a_token_inside_tls_is_checked() -> None:
    play = fresh().client(SSL_REQUEST).saw(saw.TlsStarted(Side.CLIENT)).client(startup(user="ann", database="orders"))
    play.client(message("p", b"the token\0"))
    check = play.take(do.CheckToken)
    assert (check.user, check.token, check.resource) == ("ann", "the token", "orders")
    play.saw(saw.TokenChecked(False))
    assert not play.take(do.Admit).proven


def test_what_a_signed_token_proved_goes_back_to_the_gate() -> None:
    play = fresh().client(SSL_REQUEST).saw(saw.TlsStarted(Side.CLIENT)).client(startup(user="ann", database="orders"))
    play.client(message("p", b"ey\0"))
    play.take(do.CheckToken)
    proof = Proven("ann")
    play.saw(saw.TokenChecked(True, proof))
    admit = play.take(do.Admit)
    assert (admit.proven, admit.proof) == (True, proof)


@pytest.mark.parametrize("early", [query("select 1"), message("p", b"x" * 9000), message("p", b"no end")])
def test_nothing_but_a_password_is_taken_before_the_proof(early: bytes) -> None:
    play = fresh(proof=ClientProof.SCRAM).client(startup(user="ann"))
    assert refused(play.client(early)) == "08P01"


def test_an_authentication_method_nobody_offered_is_refused() -> None:
    play = fresh(proof=ClientProof.SCRAM).client(startup(user="ann"))
    body = b"SCRAM-SHA-256-PLUS\0" + struct.pack("!I", 3) + b"n,,"
    assert refused(play.client(message("p", body))) == "08P01"


def test_a_client_that_talks_on_before_it_is_let_in_is_refused() -> None:
    play = scram(b"pencil").saw(saw.Admitted("s", TARGET))
    assert refused(play.client(query("select 1"))) == "08P01"


def test_a_startup_in_pieces_is_one_startup() -> None:
    play = fresh(proof=ClientProof.SCRAM)
    for byte in startup(user="ann", database="orders"):
        play.client(bytes((byte,)))
    assert split(play.sent(Side.CLIENT)) == [("R", b"\0\0\0\nSCRAM-SHA-256\0\0")]
