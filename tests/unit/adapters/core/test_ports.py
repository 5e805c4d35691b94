from adapters.core.ports import Question, ScramVerifier, Target


def test_no_secret_shows_in_a_printed_port_value() -> None:
    assert "hunter" not in repr(Target("h", 1, "u", password="hunter"))
    assert "key" not in repr(ScramVerifier(b"s", 1, b"key", b"key")).replace("stored_key", "")


def test_a_question_brings_no_session_facts_by_itself() -> None:
    assert Question("postgres", b"select 1").state == {}
