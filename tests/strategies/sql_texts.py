"""SQL texts: plain statements over a small database with holes for literals, and garbage made from real SQL."""

from __future__ import annotations

from hypothesis import strategies as st

HOLE = "\x00"
"""Where a literal goes in a template."""

names = st.sampled_from(["cust", "orders", "v", "closed", "nowhere", "public.cust", '"cust"', "c", "evil.cust"])
columns = st.sampled_from(["id", "ssn", "name", "total", "c.ssn", "cust.id", "*", '"SSN"', "nothing", "$1"])
functions = st.sampled_from(
    ["upper", "count", "max", "coalesce", "nextval", "my_udf", "pg_sleep", "set_config", "left"]
)
operators = st.sampled_from(["=", "<", "||", "+", "-", "/", "~", "LIKE", "IS DISTINCT FROM", "->>", "AND", "OR"])

expressions: st.SearchStrategy[str] = st.recursive(
    columns | st.just(HOLE),
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, operators, inner),
        st.builds("({})".format, inner),
        st.builds("{}({})".format, functions, inner),
        st.builds("{}({}, {})".format, functions, inner, inner),
        st.builds("{}::{}".format, inner, st.sampled_from(["int", "text", "mood", "varchar(9)", "float(9)"])),
        st.builds("CASE WHEN {} THEN {} END".format, inner, inner),
        st.builds("{} IN ({}, {})".format, inner, inner, inner),
        st.builds("(SELECT {} FROM {} LIMIT 1)".format, inner, names),
        st.builds("{} BETWEEN {} AND {}".format, inner, inner, inner),
    ),
    max_leaves=6,
)

tails = st.sampled_from(
    [
        *(
            "",
            "",
            "",
            " LIMIT \x00",
            " ORDER BY \x00",
            " ORDER BY 1",
            " ORDER BY ssn, 2",
            " GROUP BY \x00",
            " GROUP BY id",
        ),
        *(
            " ORDER BY (SELECT 1 LIMIT \x00), \x00",
            " FETCH FIRST \x00 ROWS ONLY",
            " FOR UPDATE",
            " ORDER BY id LIMIT \x00 OFFSET \x00",
        ),
    ]
)

templates: st.SearchStrategy[str] = st.one_of(
    st.builds("SELECT {} FROM {}{}".format, expressions, names, tails),
    st.builds("SELECT {}, {} AS x FROM {} WHERE {}{}".format, expressions, expressions, names, expressions, tails),
    st.builds("SELECT DISTINCT ON ({}) {} FROM {}{}".format, expressions, expressions, names, tails),
    st.builds("INSERT INTO {} VALUES ({}, {}) RETURNING {}".format, names, expressions, expressions, columns),
    st.builds("UPDATE {} SET ssn = {} WHERE {}".format, names, expressions, expressions),
    st.builds("DELETE FROM {} WHERE {} RETURNING *".format, names, expressions),
    st.builds("WITH q AS (SELECT {} FROM {}) SELECT {} FROM q{}".format, expressions, names, expressions, tails),
    st.builds("SELECT {} FROM cust JOIN orders ON {}{}".format, expressions, expressions, tails),
    st.builds("VALUES ({}), ({}){}".format, expressions, expressions, tails),
    st.builds(
        "MERGE INTO cust USING orders ON {} WHEN MATCHED THEN UPDATE SET ssn = {}".format, expressions, expressions
    ),
)

whole_numbers = st.integers(0, 10**12).map(str)
fractions = st.builds("{}.{}".format, st.integers(0, 999), st.integers(0, 999))
strings = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12).map(
    lambda text: "'" + text.replace("'", "''") + "'"
)
odd_literals = st.sampled_from(
    ["E'\\''", "$$x$$", "NULL", "-1", "1e5", "0x1F", "1_000", "B'01'", "U&'\\0041'", "'a' 'b'", "'a'\n'b'", ".5"]
)
literals = st.one_of(whole_numbers, st.integers(0, 3).map(str), fractions, strings, odd_literals)


@st.composite
def literal_pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts that differ in literals alone."""
    parts = draw(templates).split(HOLE)
    return tuple(parts[0] + "".join(draw(literals) + part for part in parts[1:]) for _ in range(2))  # type: ignore[return-value]  # two by construction
