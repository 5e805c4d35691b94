"""What clients see of simple queries through the gateway is what they see without it, message by message.

Each case is a list of Query messages on a connection of its own, then what is left in the table. Differences that stay
are listed with their reason; the list may only shrink.
"""

from __future__ import annotations

import re

import pytest

from tests.interop.postgres.client import Raw
from tests.interop.postgres.running import Gateway, Server

SETUP = """
drop schema if exists z cascade; create schema z; set search_path = z;
create table t (a int primary key, b text); insert into t values (1, 'x'), (2, 'y');
create table d (a int references t deferrable initially deferred);
create table u (a int);
create rule r as on insert to u do also select 'from rule' as r, new.a;
create procedure pc (inout x int) language plpgsql as $$
begin insert into t values (x, 'p'); commit; insert into t values (x + 1, 'q'); rollback; end $$;
"""

CASES = r"""
select 1 as a, null::text as b
select 'é', repeat('x',3)

;
;;
-- only comment
/* c */ ;
select 1;
select 1;;
select 1; select 2
select 1; -- trailing
selec 1
select 1; selec 2; select 3
insert into t values(9,'n'); selec 2
insert into t values(9,'n'); select 1/0; insert into t values(10,'n')
insert into t values(9,'n'); select nope; insert into t values(10,'n')
select 'ééé'; select nope from t
begin; insert into t values(9,'n'); commit; insert into t values(10,'n'); select 1/0
begin; insert into t values(9,'n'); commit; insert into t values(10,'n')
insert into t values(9,'n'); begin; insert into t values(10,'n'); commit
insert into t values(9,'n'); begin; insert into t values(10,'n'); rollback
insert into t values(9,'n'); begin; insert into t values(10,'n') @@ commit @@ select 1
insert into t values(9,'n'); commit; insert into t values(10,'n'); select 1/0
insert into t values(9,'n'); rollback; insert into t values(10,'n')
begin; insert into t values(9,'n'); select 1/0; commit @@ commit
begin @@ insert into t values(9,'n'); select 1/0; commit @@ select 1 @@ rollback; select 2
begin @@ select 1/0 @@ selec 1 @@ select 1; rollback @@ rollback; select 3
begin; savepoint s; insert into t values(9,'n'); rollback to s; insert into t values(10,'n'); commit
savepoint s; select 1
select 1; savepoint s; select 2
select 1; release savepoint s
set local work_mem='1MB'; show work_mem
set local work_mem='1MB'
select 1; set local work_mem='1MB'; show work_mem @@ show work_mem
set work_mem='3MB'; select 1/0 @@ show work_mem
set application_name='abc'
set application_name='abc'; select 1
begin isolation level serializable; select 1; commit
begin; set transaction isolation level serializable; show transaction_isolation; commit
set transaction isolation level serializable; show transaction_isolation
select 1; begin isolation level serializable; select 1; commit
vacuum t
vacuum t; select 1
select 1; vacuum t
commit; vacuum t
create database zz1 @@ drop database zz1
create database zz1; drop database zz1
create index concurrently ti on t(b)
create index concurrently ti on t(b); select 1
lock table t; select 1
lock table t
declare c cursor for select a from t; fetch all from c
declare c cursor for select a from t
begin; declare c cursor with hold for select a from t order by a; fetch 1 from c; commit; fetch 1 from c; close c
begin @@ declare c cursor for select a from t order by a @@ fetch 1 from c @@ move 1 in c @@ fetch backward 1 from c @@ commit
prepare p(int) as select $1+1; execute p(4); deallocate p
prepare p as select a from t order by a @@ execute p @@ deallocate all @@ execute p
select $1
select $1::int
select a from t order by a limit 0
select from t
insert into t values(9,'n') returning *
update t set b='k'
delete from t where a=1; select count(*) from t
insert into u values(4)
insert into u values(4); select 1
call pc(20) @@ select * from t order by 1
call pc(20); select 1
begin; call pc(20); commit @@ rollback
do $$begin raise notice 'hi'; raise warning 'w'; end$$; select 1
do $$begin insert into t values(30,'x'); commit; end$$ @@ select count(*) from t
do $$begin insert into t values(30,'x'); commit; end$$; select 2
create table k(a int); insert into k values(1); select * from k; drop table k
create table k as select 1 as x @@ select x into k2 from k @@ select * from k2
insert into d values(77)
insert into d values(77); select 1
select 1; insert into d values(77); select 2
begin; insert into d values(77); commit; select 1
set constraints all immediate; insert into d values(77)
explain (costs off) select * from t
explain (costs off) select * from t where a=1; show server_version_num
copy t to stdout
copy t to stdout; select 1; copy (select 1 as a) to stdout with csv header
copy nope to stdout
listen foo; notify foo, 'x'
listen foo @@ notify foo @@ unlisten *
discard all
discard all; select 1
reset all
start transaction; select 1; end
begin; begin; commit; commit
commit
rollback
begin @@ commit and chain @@ rollback
begin; select 1/0 @@ rollback and chain @@ commit
prepare transaction 'x1'
begin; insert into t values(9,'n'); prepare transaction 'x1' @@ commit prepared 'x1'
commit prepared 'nope'; select 1
begin; insert into t values(9,'n'); prepare transaction 'x2'; select 1; commit prepared 'x2' @@ rollback prepared 'x2'
select current_query()
select 1; select current_query()
select statement_timestamp()=now(); select pg_sleep(0.05); select statement_timestamp()=now(), now()=transaction_timestamp()
select 'a' as abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz
select 1; select 'a' as abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz; selec
select '\x41'::bytea, now()::date > '2000-01-01', 1.5::float8, array[1,2]
set statement_timeout=100; select pg_sleep(1)
alter system set work_mem='4MB' @@ alter system reset work_mem
alter system set work_mem='4MB'; select 1
select a from t; alter table t add c int default 5; select * from t
set search_path=public; select count(*)>0 from pgbench_tellers; set search_path=z
create function f() returns int language sql begin atomic; select 1; select 2; end; select f()
create rule rr as on update to u do instead (select 1; select 2); update u set a=1
select pg_cancel_backend(pg_backend_pid())
select 1; select pg_cancel_backend(pg_backend_pid()); select 2
checkpoint
show all
select set_config('work_mem','7MB',true); show work_mem
select pg_advisory_xact_lock(1); select count(*) from pg_locks where locktype='advisory'
select txid_current()=txid_current(); select 1
create temp table tt(a int) on commit drop; insert into tt values(1); select * from tt
reindex table t; cluster t using t_pkey; select 1
refresh materialized view nope; select 1
select * from t for update; select 1
truncate t cascade; rollback
select pg_terminate_backend(pg_backend_pid())
""".strip("\n").split("\n")

_FILTERED = "application_name is not reported: any text can be written there, a column's value too"
_PARAMETER = "the statement is parsed with its parameters open, and the server then complains of the Bind"
_RULES = "results that a rule adds are not part of the statement's own result"
_DESCRIBED = "the result is described before it runs, so its description comes before the error"
_TEXT = "each statement of a text is a statement of its own for the server"

DIFFERENT = {
    "set application_name='abc'": _FILTERED,
    "set application_name='abc'; select 1": _FILTERED,
    "select $1": _PARAMETER,
    "select $1::int": _PARAMETER,
    "insert into u values(4)": _RULES,
    "insert into u values(4); select 1": _RULES,
    "call pc(20); select 1": _DESCRIBED,
    "begin; call pc(20); commit @@ rollback": _DESCRIBED,
    "select 1; select current_query()": _TEXT,
    "select statement_timestamp()=now(); select pg_sleep(0.05); select statement_timestamp()=now(), now()=transaction_timestamp()": _TEXT,
    "create rule rr as on update to u do instead (select 1; select 2); update u set a=1": _RULES,
}

_TIMES = re.compile(r"D\([^)]*(?:seconds|timestamp|/\w{8}|,0/)[^)]*\)")


def played(client: Raw, server: Server, case: str) -> list[str]:
    """What a client is shown, and what is there afterwards."""
    with client:
        client.ask(SETUP)
        shown: list[str] = []
        for text in case.split(" @@ "):
            shown.append(_TIMES.sub("D~", client.ask(text)))
            if "EOF" in shown[-1]:
                break
    with Raw(server.cluster.port) as witness:
        shown.append(witness.ask("select string_agg(a || b, ',' order by a) from z.t"))
        shown.append(witness.ask("select count(*) from pg_prepared_xacts"))
        for name in ("x1", "x2"):
            witness.ask(f"rollback prepared '{name}'")
    return shown


@pytest.mark.parametrize("case", CASES)
def test_a_simple_query_looks_the_same_through_the_gateway(case: str, server: Server, gateway: Gateway) -> None:
    directly = played(Raw(server.cluster.port), server, case)
    through = played(Raw(gateway.port, "ann", "main/postgres", gateway.password), server, case)
    if case in DIFFERENT:
        assert through != directly, f"the difference is gone: {DIFFERENT[case]}"
    else:
        assert through == directly
