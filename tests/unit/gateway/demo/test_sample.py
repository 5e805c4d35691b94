from __future__ import annotations

import pytest

from gateway.demo.sample import CUSTOMERS, ORDERS, check_digit, sample_rows, sample_sql


def test_the_rows_are_the_same_at_every_start_and_others_with_another_seed() -> None:
    assert sample_rows() == sample_rows()
    assert sample_rows(1) != sample_rows(2)


def test_every_table_has_its_rows_and_every_row_its_columns() -> None:
    tables = {rows.table: rows for rows in sample_rows()}
    assert {name: len(rows.rows) for name, rows in tables.items()} == {
        "shop.customers": CUSTOMERS,
        "shop.orders": ORDERS,
        "shop.cards": CUSTOMERS,
    }
    assert all(len(row) == len(rows.columns) for rows in tables.values() for row in rows.rows)


def test_orders_and_cards_belong_to_customers_that_exist() -> None:
    customers, orders, cards = sample_rows()
    known = {row[0] for row in customers.rows}
    assert {row[1] for row in orders.rows} <= known
    assert {row[0] for row in cards.rows} == known


def test_card_numbers_are_well_formed_and_nobodys() -> None:
    numbers = [str(row[2]) for row in sample_rows()[2].rows]
    assert all(len(number) == 16 and number.startswith("9") for number in numbers)
    assert all(check_digit(number[:-1]) == number[-1] for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(("digits", "expected"), [("7992739871", "3"), ("411111111111111", "1"), ("0", "0")])
def test_the_check_digit_is_luhns(digits: str, expected: str) -> None:
    assert check_digit(digits) == expected


def test_mail_addresses_can_never_be_delivered() -> None:
    assert all(str(row[2]).endswith(".example") for row in sample_rows()[0].rows)


def test_the_script_holds_the_schema_before_the_rows() -> None:
    script = sample_sql()
    assert script.index("CREATE TABLE shop.cards") < script.index("INSERT INTO shop.customers")
    assert script.index("INSERT INTO shop.customers") < script.index("INSERT INTO shop.orders")
