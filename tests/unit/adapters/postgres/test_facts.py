from __future__ import annotations

import pytest

from adapters.postgres.facts import WORST, Facts, facts_of, facts_of_command
from engine._native import parse_sql
from engine.command.tree import Command, Effect, Operation, ParsedCommand


def command(kind: str, effect: Effect, features: tuple[str, ...] = (), complete: bool = True) -> Command:
    return Command("postgres", "", "", (Operation(kind, effect, ("top",)),), features=features, complete=complete)


@pytest.mark.parametrize(
    ("kind", "effect"), [("select", Effect.READ), ("update", Effect.WRITE), ("begin", Effect.SESSION)]
)
def test_ordinary_commands_leave_the_session_as_it_is(kind: str, effect: Effect) -> None:
    facts = facts_of_command(command(kind, effect))
    assert facts == Facts(checks_rows=effect is Effect.WRITE, planned=effect is not Effect.SESSION)
    assert facts.is_plain


@pytest.mark.parametrize(
    ("kind", "effect"), [("set", Effect.SESSION), ("discard", Effect.SESSION), ("do", Effect.EXECUTE)]
)
def test_commands_that_may_change_settings_are_not_ordinary(kind: str, effect: Effect) -> None:
    assert facts_of_command(command(kind, effect)).changes_session


@pytest.mark.parametrize("kind", ["commit", "rollback", "prepare_transaction"])
def test_the_end_of_a_transaction_is_ordinary_and_seen(kind: str) -> None:
    facts = facts_of_command(command(kind, Effect.SESSION))
    assert facts.ends_transaction
    assert not facts.changes_session


@pytest.mark.parametrize("feature", ["search_path", "role_change", "opaque_code", "temp_object"])
def test_a_feature_can_change_the_session_whatever_the_kind(feature: str) -> None:
    assert facts_of_command(command("select", Effect.READ, (feature,))).changes_session


@pytest.mark.parametrize("kind", ["create_table", "alter_table", "drop_view"])
def test_ddl_changes_what_names_mean(kind: str) -> None:
    effect = Effect.DELETE if kind.startswith("drop") else Effect.CREATE
    assert facts_of_command(command(kind, effect)).changes_catalog


def test_what_cannot_be_seen_to_the_bottom_may_change_everything() -> None:
    facts = facts_of_command(command("select", Effect.READ, complete=False))
    assert facts.changes_session
    assert facts.changes_catalog
    assert facts.names


def test_a_lexer_setting_is_seen() -> None:
    assert facts_of_command(command("set", Effect.SESSION, ("lexer_setting",))).changes_lexer


@pytest.mark.parametrize("kind", ["prepare", "deallocate", "discard", "declare_cursor", "fetch"])
def test_commands_that_deal_with_names_are_seen(kind: str) -> None:
    assert facts_of_command(command(kind, Effect.SESSION)).names


def test_without_a_tree_the_worst_is_assumed() -> None:
    assert facts_of(None) is WORST


def test_the_facts_of_a_tree_are_found_once() -> None:
    parsed = ParsedCommand.of(command("select", Effect.READ))
    assert facts_of(parsed) is facts_of(ParsedCommand(parsed.encoded))


@pytest.mark.parametrize(
    ("kind", "effect", "checks"),
    [
        ("select", Effect.READ, False),
        ("set", Effect.SESSION, False),
        ("insert", Effect.WRITE, True),
        ("delete", Effect.DELETE, True),
        ("alter_table", Effect.CREATE, True),
        ("commit", Effect.SESSION, True),
        ("set_constraints", Effect.SESSION, True),
    ],
)
def test_commands_in_which_the_server_checks_whole_rows(kind: str, effect: Effect, checks: bool) -> None:
    assert facts_of_command(command(kind, effect)).checks_rows is checks


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("select 1", False),
        ("insert into t values (1)", False),
        ("set timezone = 'UTC'", False),
        ("set time zone 'UTC'", False),
        ("set role other", False),
        ("set session characteristics as transaction read only", False),
        ("select set_config('work_mem', '1MB', false)", False),
        ("select setseed(0.5)", False),
        ("select pg_advisory_lock(1)", False),
        ("select pg_try_advisory_xact_lock_shared(1)", False),
        ("listen news", False),
        ("select pg_sleep(1)", False),
        ("create temp table t (a int)", False),
        ("set my.name = 'x'", True),
        ('set "My.name" = 1', True),
        ("reset my.name", True),
        ("set local my.name = 'x'", True),
        ("alter role r set my.name = 'x'", True),
        ("select set_config('my.name', 'x', true)", True),
        ("select set_config(a, 'x', false) from t", True),
        ("select f()", True),
        ("explain analyze select f()", True),
        ("prepare p as select f()", True),
        ("call p()", True),
        ("do $$ begin perform 1; end $$", True),
        ("load 'x'", True),
        ("create extension dblink", True),
        ("create function f() returns int language c as 'x'", True),
        ("select dblink_connect('x')", True),
        ("select pg_replication_origin_session_setup('a')", True),
        ("select pg_create_logical_replication_slot('a', 'b', true)", True),
        ("select pg_read_file('x')", True),
        ("copy t from program 'x'", True),
        ("update pg_settings set setting = 1", True),
    ],
)
def test_what_a_connection_may_keep_is_seen(text: str, marks: bool) -> None:
    facts = facts_of(ParsedCommand(parse_sql(text.encode(), None)))
    assert facts.marks is marks
    # INVARIANT: what is plain is not looked at again, so nothing that marks may be.
    assert not (facts.marks and facts.is_plain)


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("set work_mem = '1MB'", True),
        ("set local work_mem = '1MB'", True),
        ("select set_config('work_mem', '1MB', true)", True),
        ("set role x", True),
        ("reset role", True),
        ("reset session authorization", True),
        ("set session authorization x", True),
        ("set session characteristics as transaction read only", True),
        ("declare c cursor for select 1", True),
        ("declare c cursor with hold for select 1", True),
        ("select nextval('s')", True),
        ("select setval('s', 1)", True),
        ("select pg_advisory_lock(1)", True),
        ("select pg_try_advisory_lock_shared(1)", True),
        ("select pg_advisory_xact_lock(1), pg_advisory_lock(2)", True),
        ("listen x", True),
        ("prepare p as select 1", True),
        ("execute p", True),
        ("deallocate p", True),
        ("deallocate all", True),
        ("discard all", True),
        ("discard temp", True),
        ("create temp table t (a int)", True),
        ("create table t (a int)", True),
        ("create table pg_temp.t (a int)", True),
        ("select * into temp x from t", True),
        ("alter table t add b int", True),
        ("drop table t", True),
        ("grant select on t to x", True),
        ("prepare transaction 'x'", True),
        ("load 'x'", True),
        ("do $$ begin end $$", True),
        ("call p()", True),
        ("select f()", True),
        ("select setseed(0.1)", True),
        ("reset my.name", True),
        ("select pg_create_logical_replication_slot('a', 'b', true)", True),
        ("update pg_settings set setting = 1", True),
        ("begin; set work_mem = '1MB'; commit", True),
        ("select 1", False),
        ("begin isolation level serializable", False),
        ("commit", False),
        ("rollback", False),
        ("savepoint a", False),
        ("rollback to a", False),
        ("release a", False),
        ("set transaction read only", False),
        ("set constraints all deferred", False),
        ("reset all", False),
        ("reset work_mem", False),
        ("unlisten *", False),
        ("notify x", False),
        ("select pg_notify('a', 'b')", False),
        ("close all", False),
        ("fetch c", False),
        ("insert into t values (1)", False),
        ("with x as (delete from t returning a) select * from x", False),
        ("merge into t using u on t.a = u.a when matched then delete", False),
        ("truncate t", False),
        ("copy t from stdin", False),
        ("copy t to stdout", False),
        ("lock table t", False),
        ("show all", False),
        ("explain analyze select 1", False),
        ("vacuum t", False),
        ("analyze t", False),
        ("select pg_advisory_xact_lock(1)", False),
        ("select pg_advisory_unlock_all()", False),
        ("select pg_sleep(1)", False),
        ("select lo_open(1, 2)", False),
        ("select currval('s')", False),
        ("", False),
    ],
)
def test_what_lasts_beyond_its_transaction_keeps_the_session(text: str, keeps: bool) -> None:
    facts = facts_of(ParsedCommand(parse_sql(text.encode(), None)))
    assert facts.keeps is keeps
    assert facts.keeps or not facts.marks


@pytest.mark.parametrize("effect", list(Effect))
def test_a_kind_that_nobody_knows_keeps_it_unless_it_reads_or_writes(effect: Effect) -> None:
    is_data = effect in (Effect.READ, Effect.WRITE, Effect.DELETE)
    assert facts_of_command(command("of_tomorrow", effect)).keeps is not is_data
