"""SQL command trees over a small schema, so that masks and rules meet them often."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.command.tree import Access, Command, Effect, Operation, Output, Sql, Target

COLUMNS = ("billing.cards.id", "billing.cards.pan", "billing.cards.iban", "shop.orders.id", "shop.orders.pan")
RELATIONS = ("billing.cards", "shop.orders")
CALLS = ("upper", "op:||", "op:/", "cast:int4", "pg_catalog.lower", "public.upper")

columns = st.lists(st.sampled_from(COLUMNS), max_size=3, unique=True).map(tuple)


@st.composite
def outputs(draw: st.DrawFn) -> Output:
    origins = draw(columns)
    return Output(
        name=draw(st.none() | st.sampled_from(["a", "b"])),
        origins=origins,
        derived=draw(st.booleans()),
        proven=draw(st.integers(0, 5)) > 0,
        calls=draw(st.none() | st.lists(st.sampled_from(CALLS), max_size=2).map(tuple)),
    )


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    relation = draw(st.sampled_from(RELATIONS))
    target = Target(
        type=draw(st.sampled_from(["table", "table", "table", "view"])),
        name=relation,
        access=draw(st.sampled_from([Access.READ, Access.WRITE])),
        resolved=draw(st.integers(0, 5)) > 0,
    )
    kind, effect = draw(
        st.sampled_from(
            [
                ("select", Effect.READ),
                ("select", Effect.READ),
                ("insert", Effect.WRITE),
                ("delete", Effect.DELETE),
                ("fetch", Effect.READ),
                ("unknown", Effect.UNKNOWN),
            ]
        )
    )
    return Operation(kind, effect, ("top",), (target,), span=(0, draw(st.integers(0, 9))))


@st.composite
def traced_commands(draw: st.DrawFn) -> Command:
    """A plain SELECT, understood to the bottom, of which a plan can mostly be made."""
    shown = draw(
        st.lists(
            st.builds(
                Output,
                name=st.just("a"),
                origins=columns,
                derived=st.integers(0, 4).map(lambda n: n == 0),
                proven=st.just(True),
                calls=st.just(("upper",)),
            ),
            max_size=3,
        ).map(tuple)
    )
    seen = tuple(sorted({origin for output in shown for origin in output.origins}))
    aside = draw(st.sampled_from([(), (), (), ("shop.orders.id",), ("billing.cards.pan",), ("billing.cards.iban",)]))
    decides = aside if draw(st.booleans()) else ()
    sql = Sql(
        reads=tuple(sorted({*seen, *aside})),
        filters=decides,
        equalities=decides if draw(st.booleans()) else (),
        passed=aside if draw(st.booleans()) else (),
        relations=RELATIONS,
        outputs=shown,
        outputs_proven=True,
        constants_matter=draw(st.booleans()),
    )
    text = draw(st.sampled_from(["select 1", "select 2"]))
    target = Target("table", "billing.cards", Access.READ, resolved=True)
    operation = Operation(draw(st.sampled_from(["select", "with"])), Effect.READ, ("top",), (target,))
    writes = Operation("insert", Effect.WRITE, ("cte",))
    done = (operation, writes) if draw(st.integers(0, 5)) == 0 else (operation,)
    return Command("postgres", text, text, done, complete=True, sql=sql)


def sql_commands() -> st.SearchStrategy[Command]:
    return traced_commands() | wild_commands()


@st.composite
def wild_commands(draw: st.DrawFn) -> Command:
    shown = draw(st.none() | st.lists(outputs(), max_size=3).map(tuple))
    seen = {origin for output in shown or () for origin in output.origins}
    sql = Sql(
        reads=tuple(sorted(seen | set(draw(columns)))) if draw(st.booleans()) else tuple(sorted(seen)),
        filters=draw(columns) if draw(st.booleans()) else (),
        relations=draw(st.lists(st.sampled_from(RELATIONS), max_size=2, unique=True).map(tuple)),
        outputs=shown,
        outputs_proven=shown is not None and draw(st.integers(0, 5)) > 0,
        constants_matter=draw(st.booleans()),
    )
    return Command(
        protocol="postgres",
        text=draw(st.sampled_from(["select 1", "select 2", "delete"])),
        digest=draw(st.sampled_from(["aa", "bb"])),
        operations=tuple(draw(st.lists(operations(), min_size=1, max_size=2))),
        complete=draw(st.integers(0, 5)) > 0,
        sql=sql,
    )
