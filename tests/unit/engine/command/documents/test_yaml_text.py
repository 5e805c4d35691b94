"""YAML as Kubernetes reads it, bounded."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.command.documents.refusal import Refused
from engine.command.documents.values import Value
from engine.command.documents.yaml_text import MAX_BYTES, read_yaml
from tests.time_bounds import within


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1\na: 2", "yaml_duplicate_key"),
        ("a: {b: 1, 'b': 2}", "yaml_duplicate_key"),
        ("1: a\n'1': b", "yaml_duplicate_key"),
        ("a: &x {b: 1}\nc: {<<: *x}", "yaml_merge"),
        ("a: &x [*x]", "yaml_alias"),
        ("a: *nothing", "yaml_alias"),
        ("a: !!python/object:os.system {}", "yaml_tag"),
        ("a: !thing 1", "yaml_tag"),
        ("? [a]\n: b", "yaml_key"),
        ("a: [", "yaml_syntax"),
        ("a: b: c", "yaml_syntax"),
        ("\t- a", "yaml_syntax"),
        ("[" * 65 + "]" * 65, "yaml_depth"),
        ("---\n" * 1002, "yaml_size"),
        ("a: 9e999", "yaml_number"),
        ("- a\n" * 100_001, "yaml_size"),
        ("#" * (MAX_BYTES + 1), "yaml_size"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_yaml(text.encode())
    assert refused.value.code == code


def test_a_billion_laughs_is_counted_before_it_is_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    def code() -> str:
        with pytest.raises(Refused) as refused:
            read_yaml("\n".join(lines).encode())
        return refused.value.code

    assert within(1.0, code) == "yaml_size"


def test_a_chain_of_anchors_is_not_deeper_than_a_document_may_be() -> None:
    text = "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 80))
    with pytest.raises(Refused) as refused:
        read_yaml(text.encode())
    assert refused.value.code == "yaml_depth"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("!!str yes", "yes"),
        ("~", None),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("1_000", 1000),
        ("-1.5e3", -1500.0),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("0x", "0x"),
    ],
)
def test_scalars_are_what_the_api_server_makes_of_them(text: str, value: Value) -> None:
    assert read_yaml(f"a: {text}".encode()) == [{"a": value}]


def test_aliases_and_several_documents_are_read() -> None:
    assert read_yaml(b"a: &x {b: 1}\nc: *x\n---\n---\n- 1\n...\n") == [{"a": {"b": 1}, "c": {"b": 1}}, [1]]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Refused):
        read_yaml(b"a: \xff")


@given(st.text(alphabet=" \n\t-:[]{}&*!|>'\"?#%@`ab01<.~\\", max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(Refused):
        assert isinstance(read_yaml(text.encode()), list)
