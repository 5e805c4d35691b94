"""The log is one line an event, as JSON or for people; the numbers stand in a registry of their own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from gateway.telemetry import MAX_RULES, Meters, logger, set_up_log


@pytest.fixture(autouse=True)
def leave_the_log_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_json_is_one_object_a_line_and_the_level_filters() -> None:
    out = io.StringIO()
    set_up_log("info", as_json=True, stream=out)
    log = logger("gate")
    log.debug("not seen")
    log.info("policies loaded", revision="r1")
    (line,) = out.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["part"], said["level"], said["revision"]) == ("policies loaded", "gate", "info", "r1")


def test_text_is_for_people() -> None:
    out = io.StringIO()
    set_up_log("warning", as_json=False, stream=out)
    logger("app").warning("draining", sessions=3)
    assert "draining" in out.getvalue()
    assert "sessions=3" in out.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_fault_is_told_without_the_values_of_variables(as_json: bool) -> None:
    out, secret = io.StringIO(), "".join(["hun", "ter2"])
    set_up_log("info", as_json=as_json, stream=out)
    try:
        raise RuntimeError(f"{len(secret)} characters")
    except RuntimeError as error:
        logger("app").error("a fault", exc_info=error)
    assert "RuntimeError: 7 characters" in out.getvalue()
    assert secret not in out.getvalue()


def test_each_gateway_has_its_own_numbers() -> None:
    one, two = Meters(), Meters()
    one.decisions.count("deny", "RULE", "p/R")
    assert b'sallyport_decisions_total{deny_kind="RULE",verdict="deny"} 1.0' in one.text()
    assert b'sallyport_decisions_total{deny_kind="RULE",verdict="deny"} 0.0' in two.text()
    assert b'rule="p/R"' not in two.text()


def test_times_fall_into_buckets_that_add_up() -> None:
    meters = Meters()
    for seconds in (0.0, 1e-5, 1.5e-5, 2.0):
        meters.decision_seconds.observe(seconds)
    text = meters.text().decode()
    assert 'sallyport_decision_seconds_bucket{le="1e-05"} 2.0' in text
    assert 'sallyport_decision_seconds_bucket{le="2e-05"} 3.0' in text
    assert 'sallyport_decision_seconds_bucket{le="1.0"} 3.0' in text
    assert 'sallyport_decision_seconds_bucket{le="+Inf"} 4.0' in text
    assert "sallyport_decision_seconds_count 4.0" in text


def test_what_began_at_a_moment_is_timed_and_counted_in_one() -> None:
    meters = Meters()
    allowed = meters.decisions.of("allow", "", "p/A")
    began = meters.decision_seconds.moment()
    meters.decision_seconds.observe_since(began, allowed)
    meters.decision_seconds.observe_since(began - 2.0, allowed)
    assert 0.0 <= began <= meters.decision_seconds.moment()
    assert meters.decisions.counts() == [(("allow", ""), 2)]
    text = meters.text().decode()
    assert "sallyport_decision_seconds_count 2.0" in text
    assert 'sallyport_decision_seconds_bucket{le="1.0"} 1.0' in text


def test_counts_can_be_read_with_their_labels() -> None:
    meters = Meters()
    meters.decisions.count("deny", "RULE", "p/R")
    meters.decisions.count("allow", "", "p/A")
    meters.decisions.count("deny", "RULE", "p/R")
    assert meters.decisions.counts() == [(("allow", ""), 1), (("deny", "RULE"), 2)]


def test_decisions_are_counted_by_rule_and_rules_are_bounded() -> None:
    meters = Meters()
    for number in range(MAX_RULES + 10):
        meters.decisions.count("deny", "RULE", f"p/{number}")
    meters.decisions.count("allow", "", "p/0")
    text = meters.text().decode()
    assert 'sallyport_rule_decisions_total{rule="p/0",verdict="allow"} 1.0' in text
    assert 'sallyport_rule_decisions_total{rule="p/0",verdict="deny"} 1.0' in text
    assert 'sallyport_rule_decisions_total{rule="other",verdict="deny"} 10.0' in text
    assert f'sallyport_decisions_total{{deny_kind="RULE",verdict="deny"}} {MAX_RULES + 10}.0' in text
    assert text.count("sallyport_rule_decisions_total{rule=") <= MAX_RULES + 2


def test_what_clients_were_shown_is_counted() -> None:
    meters = Meters()
    meters.told(2, 30, 4)
    meters.told(1, 1, 0)
    text = meters.text().decode()
    for line in (
        "sallyport_shown_rows_total 3.0",
        "sallyport_shown_bytes_total 31.0",
        "sallyport_masked_values_total 4.0",
    ):
        assert line in text
