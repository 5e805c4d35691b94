from __future__ import annotations

import pytest

from adapters.errors import PeerProtocolError
from adapters.postgres.messages.startup import StartupMessage
from adapters.postgres.session.parameters import Wanted, read_wishes


def read(**parameters: str) -> Wanted:
    return read_wishes(StartupMessage(3, 0, {"user": "ann", **parameters}))


def test_harmless_settings_pass_in_postgresqls_own_spelling() -> None:
    wanted = read(datestyle="ISO", TimeZone="UTC", application_name="psql", client_encoding="utf-8")
    assert wanted.settings == {"DateStyle": "ISO", "TimeZone": "UTC", "application_name": "psql"}
    assert wanted.application == "psql"


def test_the_database_is_the_users_name_when_none_is_given() -> None:
    assert read().database == "ann"
    assert read(database="orders").database == "orders"


@pytest.mark.parametrize("value", ["UTF8", "utf-8", "'utf-8'", "unicode"])
def test_every_spelling_of_utf8_is_taken(value: str) -> None:
    assert read(client_encoding=value).settings == {}


@pytest.mark.parametrize(
    "parameters",
    [
        {"standard_conforming_strings": "off"},
        {"search_path": "evil"},
        {"role": "postgres"},
        {"session_authorization": "postgres"},
        {"client_encoding": "SJIS"},
        {"replication": "database"},
        {"replication": "true"},
        {"backslash_quote": "on"},
        {"options": "-c standard_conforming_strings=off"},
        {"options": "-cstandard_conforming_strings=off"},
        {"options": "--standard_conforming_strings=off"},
        {"options": "-c geqo=on -c search_path=evil"},
        {"options": "-c\tsearch\\_path=evil"},
        {"options": "-c client_encoding=SJIS"},
        {"options": "-e"},
        {"options": "-c"},
        {"options": "postgres"},
        {"options": "\\"},
    ],
)
def test_a_setting_that_changes_what_texts_mean_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(PeerProtocolError) as refused:
        read(**parameters)
    assert refused.value.code == "0A000"


def test_harmless_options_pass() -> None:
    wanted = read(options="-c geqo=off -c statement_timeout=5s --jit=off -cwork_mem=4MB")
    assert wanted.settings == {"geqo": "off", "statement_timeout": "5s", "jit": "off", "work_mem": "4MB"}


def test_a_switched_off_replication_is_none() -> None:
    assert read(replication="off").settings == {}


def test_unknown_options_of_the_protocol_are_kept_for_the_negotiation() -> None:
    assert read(**{"_pq_.compression": "on"}).protocol_options == ("_pq_.compression",)


def test_nobody_comes_without_a_name() -> None:
    with pytest.raises(PeerProtocolError) as refused:
        read_wishes(StartupMessage(3, 0, {"database": "orders"}))
    assert refused.value.code == "28000"


def test_a_value_has_a_bound() -> None:
    with pytest.raises(PeerProtocolError):
        read(application_name="x" * 2000)
