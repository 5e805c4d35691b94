"""A configuration is read whole or refused with everything that is wrong, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Auth, Config, TlsMode, load_config, read_config
from gateway.errors import ConfigInvalid

GOOD = """
[policies]
path = "."

[[resource]]
name = "orders"
protocol = "postgres"
address = "db.internal:5432"
role = "gateway"
credential = "env:ORDERS_PASSWORD"
labels = {environment = "prod"}
[resource.tls]
mode = "disable"

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:6432"
auth = "scram"
resource = "orders"

[[identity.principal]]
name = "ana"
kind = "agent"
groups = ["data-readers"]
password = "env:ANA"

[audit]
durability = "disk"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sallyport.toml"


def problems(file: Path, text: str, **environment: str) -> list[str]:
    file.write_text(text)
    return [str(problem).removeprefix(f"{file}:") for problem in read_config(file, environment)[1]]


def test_a_whole_file_is_read(file: Path, tmp_path: Path) -> None:
    file.write_text(GOOD)
    config = load_config(file, {})
    assert config.resource[0].labels == {"environment": "prod"}
    assert config.resource[0].tls.mode is TlsMode.DISABLE
    assert config.listener[0].auth is Auth.SCRAM
    assert config.identity.principal[0].groups == ("data-readers",)
    assert config.audit.durability.value == "disk"
    assert config.folder == tmp_path


def test_an_empty_file_is_the_defaults(file: Path) -> None:
    assert problems(file, "") == [" `policies.path` is no folder; expected one with policies"]
    (file.parent / "policies").mkdir()
    assert read_config(file, {})[0] == Config(folder=file.parent)


def test_every_mistake_is_told_at_once_with_its_line(file: Path) -> None:
    text = """
[policies]
pth = "."
path = 7
[audit]
durability = "fast"
[[resource]]
name = "orders"
protocol = "oracle"
[colour]
"""
    assert problems(file, text) == [
        "10: `colour` is no key here; expected `policies`, `resource`, `listener`, `identity`, `store`, `audit`, "
        "`recording`, `notify`, `masking`, `rpc`, `faces`, `console`, `log`, `metrics`, `telemetry`, `limits`",
        "3: `policies.pth` is no key here; did you mean `path`?",
        "4: `policies.path` is 7; expected a text",
        '9: `resource[0].protocol` is `oracle`; expected "postgres" or "ssh" or "http" or "kubernetes" or "mcp"',
        "7: `resource[0].address` is missing; expected a text",
        '6: `audit.durability` is `fast`; expected "process" or "disk"',
    ]


def test_one_message_names_the_first_and_counts_the_rest(file: Path) -> None:
    file.write_text("[audit]\ndurability = 1\nsegment_bytes = 'x'\n")
    with pytest.raises(ConfigInvalid) as caught:
        load_config(file, {})
    assert str(caught.value).endswith("(and 1 more)")
    assert len(caught.value.problems) == 2
    assert "config check" in caught.value.help


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[policies", "this is no TOML"),
        ("resource = 1", "must be a list of tables"),
        ("resource = 'x'", "must be a list of tables"),
        ("resource = ['x']", "must be a table"),
        ("policies = 1", "must be a table"),
        ("[[resource]]\nname = [1]", "is a list; expected a text"),
        ("[identity]\n[[identity.principal]]\nname='a'\ngroups=[1]", "expected a list of a text"),
        ("[identity]\n[[identity.principal]]\nname='a'\nuid=true", "is true; expected a whole number"),
        ("[policies]\npath=2026-01-01", "is something else; expected a text"),
        ("[policies]\npath={a=1}", "is a table; expected a text"),
        ("[rpc]\nbind=1.5", "is 1.5; expected a text"),
    ],
)
def test_a_wrong_shape_is_told_in_words(file: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(file, text))


def test_a_missing_or_unreadable_file_is_told(file: Path, tmp_path: Path) -> None:
    assert "No such file" in str(read_config(file, {})[1][0])
    file.write_bytes(b"\xff\xfe")
    assert "UTF-8" in str(read_config(file, {})[1][0])
    file.write_bytes(b"#" * (2 << 20))
    assert "longer" in str(read_config(file, {})[1][0])
    assert "cannot be read" in str(read_config(tmp_path, {})[1][0])


def test_the_environment_overrides_any_key(file: Path) -> None:
    file.write_text(GOOD)
    config = load_config(
        file,
        {
            "SALLYPORT_AUDIT__DURABILITY": "process",
            "SALLYPORT_AUDIT__SEGMENT_BYTES": "1000000",
            "SALLYPORT_RESOURCE__ORDERS__ADDRESS": "other:1",
            "SALLYPORT_RESOURCE__0__TLS__VERIFY": "false",
            "SALLYPORT_RESOURCE__ORDERS__LABELS": '{"a": "b"}',
            "SALLYPORT_IDENTITY__PRINCIPAL__ANA__GROUPS": '["x", "y"]',
            "SALLYPORT_IDENTITY__PRINCIPAL__ANA__UID": "7",
            "SALLYPORT_LOG__LEVEL": "debug",
            "SALLYPORT_CORPORA": "not a key",
            "HOME": "x",
        },
    )
    assert config.audit.durability.value == "process"
    assert config.audit.segment_bytes == 1_000_000
    assert config.resource[0].address == "other:1"
    assert not config.resource[0].tls.verify
    assert config.resource[0].labels == {"a": "b"}
    assert config.identity.principal[0].groups == ("x", "y")
    assert config.identity.principal[0].uid == 7
    assert config.log.level.value == "debug"


def test_a_wrong_override_names_the_variable(file: Path) -> None:
    found = problems(
        file,
        GOOD,
        SALLYPORT_AUDIT__DURABILITY="fast",
        SALLYPORT_RESOURCE__ORDERS__LABELS="{",
        SALLYPORT_RESOURCE__NOBODY__ADDRESS="x:1",
        SALLYPORT_COLOUR__RED="1",
    )
    assert sorted(found) == [
        'SALLYPORT_AUDIT__DURABILITY: `audit.durability` is `fast`; expected "process" or "disk"',
        "SALLYPORT_COLOUR__RED: `colour` is no key here; expected `policies`, `resource`, `listener`, `identity`, `store`, "
        "`audit`, `recording`, `notify`, `masking`, `rpc`, `faces`, `console`, `log`, `metrics`, `telemetry`, `limits`",
        "SALLYPORT_RESOURCE__NOBODY__ADDRESS: names no key; expected SALLYPORT_SECTION__KEY",
        "SALLYPORT_RESOURCE__ORDERS__LABELS: `resource[0].labels` is `{`; expected a table",
    ]


def test_what_might_be_a_secret_in_the_wrong_place_is_not_repeated(file: Path) -> None:
    said = "\n".join(problems(file, "[audit]\ndurability = 'correct horse battery staple'\n"))
    assert "horse" not in said
