"""A token is made for what exists, no longer than it may live, and says exactly what was wished."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import IdentityRefused
from gateway.identity.minting import MAX_PROMPT, Asker, Mint, Wish
from gateway.identity.scoped import SECOND, TokenKey, TokenKeys, digest_of
from gateway.identity.tokens import Tokens
from gateway.store.database import open_database
from gateway.store.migrations import upgrade

NOW = 1_800_000_000 * SECOND
ANA = Asker("ana")
WISH = Wish(("orders",), 600)


@pytest.fixture
def mint(tmp_path: Path) -> Iterator[Mint]:
    database = open_database(f"sqlite:///{tmp_path}/store.db")
    upgrade(database)
    keys = TokenKeys([TokenKey.from_seed(secrets.token_bytes(32))])
    yield Mint(keys, Tokens(database), max_ttl=3_600, exists={"orders", "build"}.__contains__, clock=lambda: NOW)
    database.close()


def test_a_token_is_what_was_wished_and_the_store_knows_it(mint: Mint) -> None:
    wish = Wish(("orders", "build", "orders"), 600, "build-42", ("write", "read"), once=True, prompt="why")
    text, grant = mint.issue(replace(ANA, issued_by="local:root"), wish)
    assert grant.resources == ("orders", "build")
    assert grant.effects == ("read", "write")
    assert (grant.principal, grant.job, grant.once, grant.prompt) == ("ana", "build-42", True, "why")
    assert (grant.issued_at, grant.expires_at) == (NOW, NOW + 600 * SECOND)
    found = mint.tokens.find(grant.id)
    assert found is not None
    assert (found.grant, found.digest) == (grant, digest_of(text))


def test_no_two_are_the_same(mint: Mint) -> None:
    assert mint.issue(ANA, WISH)[0] != mint.issue(ANA, WISH)[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ttl": 0}, "GRANT_TTL"),
        ({"ttl": 3_601}, "GRANT_TTL"),
        ({"ttl": float("nan")}, "GRANT_TTL"),
        ({"resources": ()}, "GRANT_RESOURCE"),
        ({"resources": ("orders",) * 5}, "GRANT_RESOURCE"),
        ({"resources": ("nope",)}, "GRANT_RESOURCE"),
        ({"job": ""}, "GRANT_JOB"),
        ({"job": "a b"}, "GRANT_JOB"),
        ({"job": "a\n"}, "GRANT_JOB"),
        ({"job": "x" * 129}, "GRANT_JOB"),
        ({"effects": ()}, "GRANT_OPERATION"),
        ({"effects": ("read", "unknown")}, "GRANT_OPERATION"),
        ({"prompt": "x" * (MAX_PROMPT + 1)}, "GRANT_PROMPT"),
        ({"prompt": "\ud800"}, "GRANT_PROMPT"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(mint: Mint, changes: dict[str, object], code: str) -> None:
    with pytest.raises(IdentityRefused) as caught:
        mint.issue(ANA, replace(WISH, **changes))  # type: ignore[arg-type]  # fields of a test
    assert caught.value.code == code
    assert mint.tokens.of(None, NOW) == []


def test_who_is_proved_to_work_for_a_job_gets_tokens_for_that_and_no_other(mint: Mint) -> None:
    of_a_run = replace(ANA, groups=("dba",), issuer="ci", job="run 4711", is_self=True)
    _, grant = mint.issue(of_a_run, WISH)
    assert (grant.job, grant.stated) == ("run 4711", ())
    for other in ("nightly-backup", "4711", "run"):
        with pytest.raises(IdentityRefused) as caught:
            mint.issue(of_a_run, replace(WISH, job=other))
        assert caught.value.code == "GRANT_JOB"
    _, same = mint.issue(replace(of_a_run, job="run-4711"), replace(WISH, job="run-4711", prompt="why"))
    assert (same.job, same.stated) == ("run-4711", ("prompt",))


@pytest.mark.parametrize(
    ("wish", "stated"),
    [
        (WISH, ()),
        (replace(WISH, job="build-42"), ("job",)),
        (replace(WISH, prompt="why"), ("prompt",)),
        (replace(WISH, job="build-42", prompt="why"), ("job", "prompt")),
    ],
)
def test_what_only_its_own_principal_says_is_kept_as_that(mint: Mint, wish: Wish, stated: tuple[str, ...]) -> None:
    assert mint.issue(replace(ANA, is_self=True), wish)[1].stated == stated
    assert mint.issue(ANA, wish)[1].stated == (), "an operator's word is not the agent's own"


def test_a_token_outlives_nobody_who_asked_for_it(mint: Mint) -> None:
    _, grant = mint.issue(replace(ANA, until=NOW + 60 * SECOND), WISH)
    assert grant.expires_at == NOW + 60 * SECOND
    with pytest.raises(IdentityRefused) as caught:
        mint.issue(replace(ANA, until=NOW), WISH)
    assert caught.value.code == "GRANT_TTL"
