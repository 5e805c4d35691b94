from adapters.core.ports import Answer, Question, ScramVerifier, Target
from engine.decision import Decision


def test_no_secret_shows_in_a_printed_port_value() -> None:
    assert "hunter" not in repr(Target("h", 1, "u", password="hunter"))
    assert "key" not in repr(ScramVerifier(b"s", 1, b"key", b"key")).replace("stored_key", "")


def test_a_question_brings_no_session_facts_by_itself() -> None:
    assert Question("postgres", b"select 1").state == {}


def test_a_question_is_an_execution_unless_it_says_that_it_only_prepares() -> None:
    assert not Question("postgres", b"select 1").prepares


def test_mask_keys_do_not_show_in_a_printed_answer() -> None:
    assert "hunter" not in repr(Answer(Decision(), "d", mask_keys={"k": b"hunter"}))
