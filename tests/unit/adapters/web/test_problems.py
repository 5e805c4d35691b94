"""Answers of our own."""

from __future__ import annotations

import json

from adapters.web.problems import problem


def test_a_problem_is_a_whole_answer() -> None:
    made = problem(
        403, "NO_MATCH", "no rule allows this", closes=False, more={"decision": "d-1"}, headers=[("x-a", "b")]
    )
    head, _, body = made.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"x-a: b" in head
    assert b"connection: close" not in head
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body) == {
        "type": "urn:sallyport:problem:no-match",
        "title": "Forbidden",
        "status": 403,
        "code": "NO_MATCH",
        "detail": "no rule allows this",
        "decision": "d-1",
    }


def test_nothing_in_it_can_end_a_line() -> None:
    made = problem(400, "X", "a\r\nb: c", closes=True, headers=[("x-a", "b\r\nSet-Cookie: c"), ("x-b", "ü")])
    head = made.partition(b"\r\n\r\n")[0]
    assert b"x-a: b??Set-Cookie: c" in head
    assert b"connection: close" in head


def test_for_head_the_body_is_left_out() -> None:
    assert problem(403, "X", "y", closes=False, is_head=True).endswith(b"\r\n\r\n")
