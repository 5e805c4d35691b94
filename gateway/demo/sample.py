"""The demonstration's data: a small shop with customers, orders and cards. Invented, and the same at every start.

Card numbers carry a right check digit and begin with 9, which no card network issues; names are drawn from short lists, mail
addresses end in `.example`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

#: One seed, so that what the demonstration prints can be compared with what is expected.
SEED = 2026

CUSTOMERS = 40
ORDERS = 120

SCHEMA = """\
CREATE SCHEMA shop;
CREATE TABLE shop.customers (
    id integer PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    city text NOT NULL
);
CREATE TABLE shop.orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES shop.customers (id),
    placed_on date NOT NULL,
    total numeric(10, 2) NOT NULL,
    status text NOT NULL
);
CREATE TABLE shop.cards (
    customer_id integer PRIMARY KEY REFERENCES shop.customers (id),
    holder text NOT NULL,
    card_number text NOT NULL,
    expires text NOT NULL
);
"""

_FIRST = (
    "Ada",
    "Bela",
    "Chidi",
    "Dana",
    "Emil",
    "Farah",
    "Goran",
    "Hana",
    "Ivo",
    "Jun",
    "Kofi",
    "Lena",
    "Mira",
    "Nils",
    "Olga",
    "Pia",
)
_LAST = (
    "Abels",
    "Brandt",
    "Costa",
    "Duarte",
    "Engel",
    "Fabre",
    "Grant",
    "Hofer",
    "Ito",
    "Jansen",
    "Keller",
    "Lindt",
    "Mora",
    "Novak",
)
_CITIES = ("Basel", "Graz", "Leiden", "Lyon", "Porto", "Turin", "Uppsala", "Vilnius")
_STATUSES = ("open", "open", "open", "paid", "paid", "paid", "paid", "shipped", "shipped", "cancelled")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table, in the order of `columns`."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def sample_rows(seed: int = SEED) -> tuple[Rows, ...]:
    """All rows of all tables, parents first."""
    chance = random.Random(seed)
    customers = tuple(_customers(chance))
    return (
        Rows("shop.customers", ("id", "name", "email", "city"), customers),
        Rows("shop.orders", ("id", "customer_id", "placed_on", "total", "status"), tuple(_orders(chance))),
        Rows("shop.cards", ("customer_id", "holder", "card_number", "expires"), tuple(_cards(chance, customers))),
    )


def sample_sql(seed: int = SEED) -> str:
    """Schema and rows as one SQL script."""
    return SCHEMA + "".join(_insert(rows) for rows in sample_rows(seed))


def check_digit(digits: str) -> str:
    """The Luhn digit that completes a card number."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def _customers(chance: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(1, CUSTOMERS + 1):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        yield (number, f"{first} {last}", f"{first}.{last}.{number}@shop.example".lower(), chance.choice(_CITIES))


def _orders(chance: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(1, ORDERS + 1):
        day = f"2026-{chance.randint(1, 9):02}-{chance.randint(1, 28):02}"
        total = f"{chance.randint(5, 400)}.{chance.randint(0, 99):02}"
        yield (number, chance.randint(1, CUSTOMERS), day, total, chance.choice(_STATUSES))


def _cards(chance: random.Random, customers: tuple[tuple[object, ...], ...]) -> Iterator[tuple[object, ...]]:
    for number, name, _, _ in customers:
        digits = "9" + "".join(chance.choice("0123456789") for _ in range(14))
        yield (number, name, digits + check_digit(digits), f"{chance.randint(1, 12):02}/{chance.randint(28, 32)}")


def _insert(rows: Rows) -> str:
    lines = ",\n".join("  (" + ", ".join(_literal(value) for value in row) + ")" for row in rows.rows)
    return f"INSERT INTO {rows.table} ({', '.join(rows.columns)}) VALUES\n{lines};\n"


def _literal(value: object) -> str:
    match value:
        case int():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            raise TypeError(f"no literal for {value!r}")
