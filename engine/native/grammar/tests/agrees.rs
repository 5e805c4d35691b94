//! The tree that is read in place is the tree by protobuf, for every statement of the corpora and for what they do not have.

#![allow(clippy::panic, clippy::expect_used)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use sallyport_grammar::{by_protobuf, parse, read, Refusal};

const PARTS: [i32; 6] = [0, 1, 2, 3, 4, 5];

const STATEMENTS: [&str; 30] = [
    "",
    ";;",
    "SELECT 1; ; SELECT 2",
    "SELECT",
    "SELECT 1, -1, 2147483648, 1.5e10, 'text', E'\\x41', b'101', x'1F', NULL, true, $1",
    "SELECT a.*, (b).c[1:2], b[:], row(1, 2), array[[1], [2]] FROM ONLY a AS x (y, z)",
    "VALUES (1, 2), (DEFAULT, 3)",
    "SELECT * FROM a UNION ALL SELECT * FROM b EXCEPT (SELECT 1 ORDER BY 1 LIMIT ALL) FOR UPDATE OF a NOWAIT",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n + 1 FROM t) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c USING p SELECT * FROM t",
    "SELECT count(*) FILTER (WHERE x) OVER (PARTITION BY y ORDER BY z ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
    "SELECT json_table.* FROM JSON_TABLE('[]', '$[*]' COLUMNS (id FOR ORDINALITY, v int PATH '$.v' DEFAULT 0 ON EMPTY, NESTED PATH '$' COLUMNS (w text)))",
    "SELECT JSON_OBJECT('a': 1 NULL ON NULL WITH UNIQUE KEYS), JSON_ARRAYAGG(x ORDER BY y RETURNING jsonb), x IS JSON OBJECT",
    "SELECT xmlelement(name a, xmlattributes(1 AS b), 'c'), xmlserialize(content x AS text), x IS DOCUMENT FROM xmltable('/a' PASSING x COLUMNS b int PATH 'b')",
    "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, coalesce(a, b), nullif(a, b), greatest(1, 2), grouping(a) FROM t GROUP BY CUBE (a, b), ()",
    "SELECT a COLLATE \"C\", a::varchar(3)[], CAST(a AS interval day TO second(3)), a AT TIME ZONE 'x', a BETWEEN SYMMETRIC 1 AND 2, a LIKE ANY (ARRAY['x'])",
    "SELECT * FROM t TABLESAMPLE system (1) REPEATABLE (2), LATERAL ROWS FROM (f(1), g(2) AS (a int)) WITH ORDINALITY",
    "INSERT INTO t (a, b[1]) OVERRIDING SYSTEM VALUE SELECT 1, 2 ON CONFLICT (a COLLATE \"C\") WHERE a > 1 DO UPDATE SET a = excluded.a WHERE t.b RETURNING WITH (OLD AS o) o.*",
    "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.b THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT VALUES (1) RETURNING merge_action()",
    "UPDATE ONLY t SET (a, b) = (SELECT 1, 2), c = DEFAULT FROM s WHERE CURRENT OF c",
    "COPY (SELECT 1) TO PROGRAM 'x' WITH (FORMAT csv, HEADER, FORCE_QUOTE (a, b), NULL 'é')",
    "CREATE TABLE p (a int GENERATED ALWAYS AS IDENTITY (START 1), b text DEFAULT 'x' NOT NULL, CHECK (a > 1) NO INHERIT, EXCLUDE USING gist (a WITH =)) PARTITION BY HASH (a)",
    "CREATE TABLE c PARTITION OF p FOR VALUES WITH (MODULUS 4, REMAINDER 0)",
    "CREATE FOREIGN TABLE f (a int OPTIONS (x 'y')) INHERITS (p) SERVER s OPTIONS (z '1')",
    "CREATE FUNCTION f(a int DEFAULT 1, VARIADIC b text[]) RETURNS TABLE (c int) LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "CREATE TRIGGER t AFTER UPDATE OF a ON x REFERENCING OLD TABLE AS o FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION f('1')",
    "ALTER TABLE t ADD COLUMN a int, ALTER b TYPE text USING b::text, ATTACH PARTITION p FOR VALUES FROM (MINVALUE) TO (1)",
    "GRANT SELECT (a, b), UPDATE ON TABLE t TO PUBLIC, CURRENT_USER WITH GRANT OPTION GRANTED BY x",
    "DO LANGUAGE plpgsql 'BEGIN END'",
    "SET LOCAL search_path TO a, 'b', 1; BEGIN ISOLATION LEVEL SERIALIZABLE; FETCH BACKWARD ALL FROM c; VACUUM (ANALYZE, PARALLEL 2) t (a)",
    "CREATE PUBLICATION p FOR TABLE t (a) WHERE (a > 1), TABLES IN SCHEMA s; ALTER SUBSCRIPTION s SET PUBLICATION a, b WITH (x = 1)",
];

/// Whether the text was read in place, both ways having said the same.
fn agrees(text: &str, options: i32) -> bool {
    let (read, other) = (read(text, options), by_protobuf(text, options));
    assert_eq!(parse(text, options).map_err(words), other.clone().map_err(words), "{options}: {text:?}");
    match read {
        Ok(None) => false,
        Ok(Some(tree)) => {
            assert_eq!(Ok(tree), other, "{options}: {text:?}");
            true
        }
        Err(refusal) => {
            assert_eq!(Err(words(refusal)), other.map_err(words), "{options}: {text:?}");
            true
        }
    }
}

fn words(refusal: Refusal) -> String {
    match refusal {
        Refusal::Grammar { message, .. } | Refusal::Failed(message) => message,
    }
}

#[test]
fn statements_of_all_sorts_are_read_in_place_and_agree() {
    for text in STATEMENTS {
        assert!(agrees(text, 0), "not read in place: {text}");
        for part in PARTS {
            agrees(text, part);
        }
    }
}

#[test]
fn what_is_refused_is_refused_alike() {
    for text in
        ["SELEC 1", "SELECT (1", "SELECT 'é' FROM FROM", "SELECT E'\\xff'", "SELECT \"", "/* open", "SELECT 1 +"]
    {
        agrees(text, 0);
        for part in PARTS {
            agrees(text, part);
        }
    }
}

#[test]
fn a_deep_tree_agrees_or_is_not_read_here() {
    for levels in [10, 300, 2_000] {
        let text = format!("SELECT {}1{}", "(1 + ".repeat(levels), ")".repeat(levels));
        let done = std::thread::Builder::new().stack_size(256 << 20).spawn(move || agrees(&text, 0));
        assert!(done.expect("a thread").join().is_ok(), "{levels}");
    }
}

#[test]
fn a_small_stack_is_no_crash() {
    let text = format!("SELECT {}1{}", "(1 + ".repeat(300), ")".repeat(300));
    let done = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(move || read(&text, 0).is_ok_and(|tree| tree.is_none()));
    assert_eq!(done.expect("a thread").join().ok(), Some(true));
}

#[test]
fn the_statements_of_the_corpora_agree() {
    let place = std::env::var_os("SALLYPORT_CORPORA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora"), PathBuf::from);
    for (name, expected) in [("sql-parser-tests", 3_000), ("sql-postgres-regress", 10_000), ("sql-migrations", 1)] {
        let path = place.join(name).join("items.jsonl.gz");
        let Ok(file) = File::open(&path) else {
            assert!(std::env::var_os("CI").is_none(), "{} is not there", path.display());
            println!("skipped: {} is not there; SALLYPORT_CORPORA says where the corpora are", path.display());
            continue;
        };
        let (mut seen, mut elsewhere) = (0_usize, Vec::new());
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let item: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("an item");
            let Some(text) = item.get("sql").and_then(serde_json::Value::as_str) else { continue };
            if text.contains('\0') || text.len() > 100_000 {
                continue;
            }
            seen += 1;
            if !agrees(text, 0) {
                elsewhere.push(text.chars().take(200).collect::<String>());
            }
        }
        println!("{name}: {seen} statements, {} not read in place: {elsewhere:?}", elsewhere.len());
        assert!(seen >= expected, "{name} has only {seen} statements");
        assert!(elsewhere.is_empty(), "{name}: not read in place");
    }
}
