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


def test_direct_tls_is_refused() -> None:
    assert refused(fresh().client(b"\x16\x03\x01\x02\0\1")) == "0A000"


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
