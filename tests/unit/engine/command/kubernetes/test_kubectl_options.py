"""Options of kubectl."""

from __future__ import annotations

import pytest

from engine.command.documents.refusal import Refused
from engine.command.kubernetes.kubectl_options import BOOLEAN, VALUED, read_words


def test_words_options_and_what_stands_behind_dashes_are_told_apart() -> None:
    words = read_words(["-n", "a", "exec", "-it", "web", "--container=c", "--", "ls", "-n", "x"])
    assert (words.verb, words.positional, words.after_dashes) == ("exec", ["web"], ["ls", "-n", "x"])
    assert (words.value("namespace"), words.value("container"), words.has("stdin"), words.has("tty")) == (
        "a",
        "c",
        True,
        True,
    )


@pytest.mark.parametrize(
    "argv", [["get", "-na"], ["get", "-n=a"], ["get", "--namespace", "a"], ["get", "--namespace=a"]]
)
def test_a_value_stands_in_several_places(argv: list[str]) -> None:
    assert read_words(argv).value("namespace") == "a"


def test_a_letter_means_what_its_command_says() -> None:
    assert read_words(["logs", "-f", "web", "-p"]).has("follow")
    assert read_words(["apply", "-f", "x.yaml"]).values("filename") == ["x.yaml"]
    assert read_words(["patch", "po", "x", "-p", "{}"]).value("patch") == "{}"
    assert read_words(["proxy", "-p", "80"]).value("port") == "80"
    assert read_words(["run", "x", "-l", "a=b"]).value("labels") == "a=b"
    assert read_words(["config", "view", "--raw"]).has("raw")
    assert read_words(["get", "--raw", "/api"]).value("raw") == "/api"
    assert read_words(["logs", "--prefix", "x"]).positional == ["x"]


def test_options_with_an_optional_value_take_no_word() -> None:
    words = read_words(["delete", "--dry-run", "pod", "x", "--cascade=orphan"])
    assert (words.positional, words.value("dry-run"), words.value("cascade")) == (["pod", "x"], "true", "orphan")


def test_booleans_may_be_switched_off() -> None:
    assert not read_words(["delete", "--force=false"]).has("force")
    assert not read_words(["delete"]).has("force")


def test_unknown_options_are_kept() -> None:
    words = read_words(["get", "--zap=1", "-Z", "-itZ"])
    assert words.unknown == ["--zap", "-Z", "-Z"]


def test_words_that_are_no_literals_are_none() -> None:
    words = read_words(["get", None, "-n", None])
    assert (words.positional, words.value("namespace"), words.values("namespace")) == ([None], None, [None])
    assert read_words([None, "pods"]).is_verb_dynamic


def test_a_value_that_is_missing_is_refused() -> None:
    with pytest.raises(Refused):
        read_words(["get", "-n"])


def test_no_option_is_both() -> None:
    assert {"raw", "containers", "prefix"} >= BOOLEAN & VALUED
