"""The input document as types."""

from __future__ import annotations

import pytest

from engine.dsl.types import INNER_NOUNS, NOUNS, Sort, Type, input_type


def at(*keys: str) -> Type:
    type_ = input_type()
    for key in keys:
        type_ = type_.fields[key].type
    return type_


def test_sections_are_as_in_the_schema() -> None:
    assert list(input_type().fields) == ["principal", "session", "resource", "command", "context"]
    assert input_type().rest is None


@pytest.mark.parametrize(
    ("keys", "sort"),
    [
        (("principal", "name"), Sort.TEXT),
        (("principal", "kind"), Sort.CHOICE),
        (("session", "client_address"), Sort.ADDRESS),
        (("command", "operations"), Sort.LIST),
        (("command", "complete"), Sort.TRUTH),
        (("command", "sql", "joins"), Sort.NUMBER),
        (("context", "approval", "granted_at"), Sort.TIME),
    ],
)
def test_a_field_has_its_sort(keys: tuple[str, ...], sort: Sort) -> None:
    assert at(*keys).sort is sort


def test_a_field_that_may_be_absent_is_optional() -> None:
    assert at("session").fields["job"].optional
    assert not at("session").fields["id"].optional


def test_free_fields_have_a_type_too() -> None:
    assert at("resource", "labels").rest == Type(Sort.TEXT)
    assert at("context").rest == Type(Sort.ANY)


@pytest.mark.parametrize("noun", NOUNS)
def test_each_noun_is_a_list_of_the_request(noun: str) -> None:
    assert at(*NOUNS[noun]).sort is Sort.LIST


@pytest.mark.parametrize("noun", INNER_NOUNS)
def test_each_inner_noun_is_a_list_of_some_item(noun: str) -> None:
    items = [at(*keys).item for keys in NOUNS.values()]
    holders = [item for item in items if item is not None and INNER_NOUNS[noun] in item.fields]
    assert [item.fields[INNER_NOUNS[noun]].type.sort for item in holders] == [Sort.LIST]


def test_no_field_of_an_item_hides_a_section() -> None:
    for keys in NOUNS.values():
        item = at(*keys).item
        assert item is not None
        assert not set(item.fields) & set(input_type().fields)


def test_a_type_says_what_it_is() -> None:
    assert str(Type(Sort.LIST)) == "a list"
    assert Type(Sort.CHOICE).plain is Sort.TEXT
    assert Type(Sort.TIME).plain is Sort.NUMBER
