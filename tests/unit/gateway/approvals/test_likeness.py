"""What is like what: literals may differ, nothing else, and nothing that was not seen to the bottom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.command.tree import ParsedCommand, Problem
from engine.request import Resource, Session
from gateway.approvals.likeness import Likeness, likeness_of
from gateway.approvals.ticketing import binding_of
from tests.strategies.gates import ANA, ORDERS, SESSION, parse
from tests.strategies.lasting import READER

INSERT = "INSERT INTO public.orders (id, status) VALUES (7, 'open')"


def like(
    text: str = INSERT,
    session: Session = SESSION,
    resource: Resource = ORDERS,
    principal: str = "ana",
    prompt: str | None = None,
    revision: str = "r1",
    parameters: tuple[str | None, ...] | None = None,
) -> Likeness | None:
    command = READER.read("postgres", text.encode(), None)
    who = replace(ANA, name=principal)
    binding = binding_of(who, session, resource, command, parameters, revision, prompt)
    return likeness_of(binding, command, READER.shape("postgres", text.encode()), resource, session)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO public.orders (id, status) VALUES (8, 'open')",
        "INSERT INTO public.orders (id, status) VALUES (123456, 'a much longer text; DROP TABLE x')",
    ],
)
def test_literals_may_differ(text: str) -> None:
    assert like(text) == like() != None  # noqa: E711  # both at once
    assert like(text, replace(SESSION, id="s-2", application="other")) == like()


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO public.orders (id, status) VALUES (7, status)",
        "INSERT INTO public.orders (id, state) VALUES (7, 'open')",
        "INSERT INTO public.people (id, status) VALUES (7, 'open')",
        "INSERT INTO public.orders (id, status) VALUES (7, 'open'), (8, 'open')",
        "INSERT INTO public.orders (id, status) VALUES (7, 'open') RETURNING id",
        "INSERT INTO public.orders (id, status) VALUES (7, upper('open'))",
        "INSERT INTO public.orders (id, status) VALUES (7, 'open'); SELECT 1",
        "INSERT INTO public.orders (id, status) SELECT 7, 'open'",
    ],
)
def test_nothing_else_may_differ(text: str) -> None:
    other = like(text)
    assert other is None or (other != like() and other.key != like().key)  # type: ignore[union-attr]  # it is one


@pytest.mark.parametrize(
    "other",
    [
        {"principal": "bo"},
        {"session": replace(SESSION, job="build-43")},
        {"session": replace(SESSION, state={"role": "admin"})},
        {"session": replace(SESSION, state={"search_path": ["evil"]})},
        {"resource": replace(ORDERS, name="bills")},
        {"resource": replace(ORDERS, database="other")},
        {"resource": replace(ORDERS, role="other")},
        {"prompt": "settle them"},
        {"revision": "r2"},
    ],
)
def test_another_asker_place_or_policy_is_not_alike(other: dict[str, object]) -> None:
    first, second = like(), like(**other)  # type: ignore[arg-type]  # named above
    assert first is not None
    assert second is not None
    assert first != second
    assert first.key != second.key


@pytest.mark.parametrize(
    "text",
    [
        "DO $$ BEGIN DELETE FROM public.orders; END $$",
        "SELECT nobody_knows(7)",
        "SELECT query_to_xml('DELETE FROM public.orders', true, false, '')",
        "ALTER ROLE ana PASSWORD 'x'",
        "COPY public.orders FROM PROGRAM 'ls'",
        "not sql",
        "",
    ],
)
def test_what_was_not_seen_to_the_bottom_is_like_nothing(text: str) -> None:
    assert like(text) is None


def test_the_same_text_that_means_other_tables_is_not_alike() -> None:
    read = READER.read("postgres", INSERT.encode(), None)
    tree = read.command
    assert tree.sql is not None
    moved = ParsedCommand.of(replace(tree, sql=replace(tree.sql, writes=("evil.orders.id",))))
    binding = binding_of(ANA, SESSION, ORDERS, read, None, "r1")
    shape = READER.shape("postgres", INSERT.encode())
    same, other = (likeness_of(binding, one, shape, ORDERS, SESSION) for one in (ParsedCommand.of(tree), moved))
    assert same is not None
    assert other is not None
    assert same.meaning != other.meaning


@pytest.mark.parametrize("job", [None, ""])
def test_without_a_job_nothing_is_alike(job: str | None) -> None:
    assert like(session=replace(SESSION, job=job)) is None


def test_without_a_shape_nothing_is_alike() -> None:
    command = READER.read("postgres", INSERT.encode(), None)
    binding = binding_of(ANA, SESSION, ORDERS, command, None, "r1")
    assert likeness_of(binding, command, None, ORDERS, SESSION) is None
    shell = parse(b"ls")
    assert likeness_of(binding, shell, b"ls", ORDERS, SESSION) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"complete": False},
        {"problems": (Problem("X", "x"),)},
        {"operations": ()},
        {"features": ("opaque_code",)},
        {"features": ("unknown_function",)},
        {"sql": None},
    ],
)
def test_a_tree_that_says_so_is_like_nothing(changes: dict[str, object]) -> None:
    read = READER.read("postgres", INSERT.encode(), None)
    tree = replace(read.command, **changes)  # type: ignore[arg-type]  # named above
    binding = binding_of(ANA, SESSION, ORDERS, read, None, "r1")
    shape = READER.shape("postgres", INSERT.encode())
    assert likeness_of(binding, read, shape, ORDERS, SESSION) is not None
    assert likeness_of(binding, ParsedCommand.of(tree), shape, ORDERS, SESSION) is None
