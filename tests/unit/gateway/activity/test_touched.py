"""What a command does to what."""

from __future__ import annotations

import pytest

from engine import command_reader
from engine.command.tree import Access, Command, Effect, Operation, ParsedCommand, Target
from engine.errors import InputInvalid
from engine.request import Resource, Session
from gateway.activity.touched import MAX_NAMED, Touched, touched_by

READER = command_reader()
ORDERS = Resource("orders", "postgres", "shop")
SESSION = Session("s")


def of(text: str, protocol: str = "postgres", resource: Resource = ORDERS, session: Session = SESSION) -> Touched:
    return touched_by(READER.read(protocol, text.encode(), None), resource, session)


def said(found: Touched) -> list[str]:
    return [f"{use.operation} {use.object}".rstrip() for use in found.uses]


def tree(*targets: Target, complete: bool = True) -> ParsedCommand:
    operation = Operation("select", Effect.READ, ("top",), targets)
    return ParsedCommand.of(Command("postgres", "", "0" * 64, (operation,), (), complete))


def test_tables_are_objects_and_functions_are_uses_alone() -> None:
    found = of("SELECT count(*) FROM app.orders JOIN app.customers USING (id)")
    assert len(found.objects) == 2
    assert said(found) == [
        "select table app.orders",
        "select table app.customers",
        "call_function function pg_catalog.count",
    ]


def test_what_has_no_target_is_a_use_too() -> None:
    assert said(of("BEGIN")) == ["begin"]


def test_the_same_name_elsewhere_is_another_object() -> None:
    here = of("SELECT 1 FROM app.t")
    assert here == of("SELECT 2 FROM app.t")
    for there in (Resource("other", "postgres", "shop"), Resource("orders", "postgres", "till")):
        found = of("SELECT 1 FROM app.t", resource=there)
        assert not set(found.objects) & set(here.objects)
        assert not {use.key for use in found.uses} & {use.key for use in here.uses}


def test_a_name_that_nobody_resolved_is_another_one_with_another_search_path() -> None:
    one, other = (Session("s", state={"search_path": path}) for path in ("app", "evil, app"))
    assert of("SELECT 1 FROM t", session=one).objects != of("SELECT 1 FROM t", session=other).objects
    assert of("SELECT 1 FROM app.t", session=one).objects == of("SELECT 1 FROM app.t", session=other).objects


def test_another_operation_on_the_same_thing_is_another_use() -> None:
    read, wrote = of("SELECT 1 FROM app.t"), of("DELETE FROM app.t")
    assert read.objects == wrote.objects
    assert read.uses[0].key != wrote.uses[0].key


def test_numbers_in_a_route_make_no_other_use_but_another_object() -> None:
    api = Resource("api", "http")
    one, other = (
        of(f"GET /users/{number}/cards HTTP/1.1\r\nhost: a.example\r\n\r\n", "http", api) for number in (7, 8)
    )
    assert one.objects != other.objects
    assert one.uses == other.uses
    assert said(one) == ["get route a.example/users/*/cards"]


def test_what_was_not_seen_to_the_bottom_has_an_object_nobody_knows() -> None:
    whole, part = tree(Target("table", "a.b", Access.READ)), tree(Target("table", "a.b", Access.READ), complete=False)
    assert touched_by(whole, ORDERS, SESSION).unnamed == 0
    assert touched_by(part, ORDERS, SESSION).unnamed == 1


def test_a_command_with_more_objects_than_are_looked_at_says_how_many_more() -> None:
    many = tree(*(Target("table", f"a.t{number}", Access.READ) for number in range(MAX_NAMED + 50)))
    found = touched_by(many, ORDERS, SESSION)
    assert (len(found.objects), found.unnamed, len(found.uses), found.more) == (MAX_NAMED, 50, MAX_NAMED, 50)


def test_a_secret_in_a_name_is_not_shown() -> None:
    name = f"/v1/{'ghp_'}{'Zk3vN9qLx2TbW8yRm4Jp7Hs1Dc6Fg5Ae0UoB'}"
    found = touched_by(tree(Target("file", name, Access.READ)), ORDERS, SESSION)
    assert "[redacted]" in found.uses[0].object


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(InputInvalid):
        touched_by(ParsedCommand(b"\xc1"), ORDERS, SESSION)
