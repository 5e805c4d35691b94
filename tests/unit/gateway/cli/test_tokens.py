"""Tokens are made, listed without themselves, and taken back; what is wrong is told in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.tokens import seconds_of
from gateway.errors import IdentityRefused
from gateway.identity.people import digest_token
from gateway.identity.signed import looks_signed
from tests.strategies.gateways import settle_in


@pytest.fixture
def config(tmp_path: Path) -> str:
    return str(settle_in(tmp_path))


def made(config: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    assert main(["token", "--resource", "orders", "--as", "ana", "--config", config, "--json", *more]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_random_tokens_are_long_and_never_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token"]) == 0
    one = capsys.readouterr().out.strip()
    assert main(["token", "--json"]) == 0
    two = json.loads(capsys.readouterr().out)
    assert len(one) > 40
    assert one != two["token"]
    assert two["sha256"] == digest_token(two["token"].encode()).hex()
    assert not looks_signed(one)


def test_a_token_for_a_job_says_what_it_allows(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "prompt.txt").write_text("count the orders")
    words = [
        "--for",
        "job=build-42",
        "--ttl",
        "2m",
        "--operation",
        "read",
        "--once",
        "--prompt",
        str(tmp_path / "prompt.txt"),
    ]
    found = made(config, capsys, *words)
    assert looks_signed(str(found["token"]))
    assert (found["principal"], found["resources"], found["job"]) == ("ana", ["orders"], "build-42")
    assert (found["operations"], found["once"]) == (["read"], True)
    assert found["expires_at"] == int(str(found["issued_at"])) + 120_000_000_000
    assert found["prompt_sha256"]
    assert main(["token", "--resource", "orders", "--as", "ana", "--config", config]) == 0
    assert looks_signed(capsys.readouterr().out.strip())


def test_tokens_are_listed_without_themselves_and_taken_back(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = made(config, capsys), made(config, capsys)
    assert main(["token", "list", "--config", config]) == 0
    listed = capsys.readouterr().out
    assert str(one["id"]) in listed
    assert str(one["token"]) not in listed
    assert main(["token", "revoke", str(one["id"]), "t-none", "--config", config]) == 1
    said = capsys.readouterr()
    assert f"{one['id']}: revoked" in said.out
    assert "t-none" in said.err
    assert main(["token", "list", "--config", config, "--json"]) == 0
    states = {entry["id"]: entry["revoked_at"] is not None for entry in json.loads(capsys.readouterr().out)}
    assert states == {one["id"]: True, two["id"]: False}
    assert main(["token", "revoke", "--all-of", "ana", "--config", config]) == 0
    assert capsys.readouterr().out == "1 revoked\n"
    assert main(["token", "list", "--as", "bo", "--config", config]) == 0
    assert capsys.readouterr().out == "there are none\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--resource", "orders"], 3),
        (["--resource", "orders", "--as", "eve"], 3),
        (["--resource", "nope", "--as", "ana"], 3),
        (["--resource", "orders", "--as", "ana", "--for", "build-42"], 3),
        (["--resource", "orders", "--as", "ana", "--ttl", "soon"], 3),
        (["--resource", "orders", "--as", "ana", "--ttl", "400d"], 3),
        (["--resource", "orders", "--as", "ana", "--operation", "all"], 3),
        (["--resource", "orders", "--as", "ana", "--prompt", "/nowhere/prompt"], 3),
        (["revoke"], 2),
        (["revoke", "t-1", "--all-of", "ana"], 2),
    ],
)
def test_what_cannot_be_made_is_one_line(
    config: str, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    # Options of the group stand before its subcommand's name; those of `revoke` behind it.
    assert main(["token", *words, "--config", config]) == code
    said = capsys.readouterr()
    assert said.err.startswith("sallyport: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5h", "10 m", "10w", "99999999"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(IdentityRefused):
        seconds_of(text)
