"""A target's credential does not come back, wherever pieces end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.web.scrub import MIN_SECRET, Scrubber

SECRET = b"abcabcab-secret"


@given(st.lists(st.sampled_from([SECRET, SECRET[:8], b"ab", b"x", b"-secret"]), max_size=8), st.integers(1, 20))
def test_no_secret_comes_through_and_nothing_else_changes(pieces: list[bytes], size: int) -> None:
    whole = b"".join(pieces)
    scrubber = Scrubber([SECRET])
    out = b"".join(scrubber.feed(whole[at : at + size]) for at in range(0, len(whole), size)) + scrubber.end()
    assert SECRET not in out
    assert out == whole.replace(SECRET, b"*" * len(SECRET))


def test_only_what_could_be_a_beginning_is_kept_back() -> None:
    scrubber = Scrubber([SECRET])
    assert scrubber.feed(b"data: 1\n\n") == b"data: 1\n\n"
    assert scrubber.feed(b"data abc") == b"data "
    assert scrubber.feed(b"!") == b"abc!"


def test_short_secrets_are_not_looked_for() -> None:
    assert Scrubber([b"x" * (MIN_SECRET - 1)]).feed(b"x" * 50) == b"x" * 50


def test_the_longer_of_two_goes_first() -> None:
    scrubber = Scrubber([b"12345678", b"Basic 12345678"])
    assert scrubber.whole(b"a Basic 12345678 b 12345678") == b"a ************** b ********"
