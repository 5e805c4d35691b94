"""Drivers and frameworks of other languages, unchanged: each a small program of its own over the real wire."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest
import sqlalchemy

from tests.interop.postgres import builds
from tests.interop.postgres.client import Raw
from tests.interop.postgres.running import Gateway, Server


@pytest.fixture(scope="module", autouse=True)
def table(server: Server) -> None:
    with Raw(server.cluster.port) as direct:
        direct.ask("create table if not exists cli (a int primary key, c text); truncate cli")
        direct.ask("insert into cli values (1, 'secret'), (2, 'secret')")


def passed(gateway: Gateway, *command: str, **more: str) -> list[str]:
    """What a client program says went well; it must have ended well, and have shown no secret."""
    environment = {
        **os.environ,
        "PGHOST": "localhost",
        "PGPORT": str(gateway.port),
        "PGUSER": "ann",
        "PGDATABASE": "main/postgres",
        "PGPASSWORD": gateway.password,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(gateway.server.ca_file),
        **more,
    }
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150)
    assert said.returncode == 0, said.stdout[-500:] + said.stderr[-3000:]
    return [line.removeprefix("ok ") for line in said.stdout.splitlines() if line.startswith("ok ")]


def test_node_postgres_queries_prepares_iterates_listens_and_pools(gateway: Gateway) -> None:
    assert passed(gateway, *builds.node()) == [
        *("parameters", "prepared", "several_in_one_text", "transactions", "cursors", "notifications"),
        *("denied", "masked", "pool"),
    ]


def test_jdbc_fetches_in_pieces_batches_copies_and_cancels_in_each_mode(gateway: Gateway) -> None:
    checks = ["fetch_size", "batch", "prepared", "transactions", "copy", "metadata", "cancel", "masked"]
    wanted = [mode + check for mode in ("", "rewritten_", "simple_") for check in checks]
    assert passed(gateway, *builds.java()) == wanted


def test_django_migrates_and_works(gateway: Gateway) -> None:
    manage = builds.django()
    passed(gateway, *manage, "makemigrations", "shop", "-v", "0")
    passed(gateway, *manage, "migrate", "-v", "0")
    for binding in ({}, {"BIND": "1"}):
        checks = passed(gateway, *manage, "shop", **binding)
        assert checks == ["json", "aggregates", "savepoints", "server_side_cursor", "cascades"]
    passed(gateway, *manage, "migrate", "shop", "zero", "-v", "0")


def test_sqlalchemy_reflects_inserts_and_reads(gateway: Gateway) -> None:
    url = sqlalchemy.URL.create(
        "postgresql+psycopg", "ann", gateway.password, "127.0.0.1", gateway.port, "main/postgres"
    )
    engine = sqlalchemy.create_engine(url, connect_args={"sslmode": "require"})
    with engine.begin() as link:
        use_sqlalchemy(link)
    engine.dispose()


def use_sqlalchemy(link: sqlalchemy.Connection) -> None:
    """Make, reflect, fill and read a table, and drop it."""
    assert link.execute(sqlalchemy.text("select c, a from cli where a = 1 /*mask*/")).one() == ("[redacted]", 1)
    metadata = sqlalchemy.MetaData()
    made = sqlalchemy.Table(
        "alchemy",
        metadata,
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.Text, unique=True),
    )
    metadata.create_all(link)
    assert [column["name"] for column in sqlalchemy.inspect(link).get_columns("alchemy")] == ["id", "name"]
    link.execute(made.insert(), [{"name": f"n{number}"} for number in range(2000)])
    found = link.execute(sqlalchemy.select(made.c.name).where(made.c.id <= 3).order_by(made.c.id)).scalars()
    assert list(found) == ["n0", "n1", "n2"]
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="denied by marker"), link.begin_nested():
        link.execute(sqlalchemy.text("/*deny*/ select 1"))
    metadata.drop_all(link)


@pytest.mark.parametrize(
    ("build", "checks", "modes"),
    [
        pytest.param(
            builds.go,
            ("parameters", "batch", "copy", "transactions", "notifications", "masked", "cancel"),
            ("", "describe_", "exec_", "simple_"),
            id="pgx",
        ),
        pytest.param(
            builds.rust,
            ("prepared", "pipelined", "transactions", "portals", "copy", "simple", "masked", "cancel"),
            ("",),
            id="tokio-postgres",
        ),
    ],
)
def test_compiled_clients(
    build: Callable[[], list[str]], checks: tuple[str, ...], modes: tuple[str, ...], gateway: Gateway
) -> None:
    assert sorted(passed(gateway, *build())) == sorted(mode + check for mode in modes for check in checks)
