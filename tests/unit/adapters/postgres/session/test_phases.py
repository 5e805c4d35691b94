from adapters.postgres.messages.frames import Front
from adapters.postgres.session.phases import CLIENT_MAY_SEND, NEXT, Phase
from tests.protocol_pages import PAGE, renewed


def test_every_phase_has_its_row_and_can_end() -> None:
    assert set(NEXT) == set(Phase)
    assert all(Phase.CLOSED in after for phase, after in NEXT.items() if phase is not Phase.CLOSED)
    assert NEXT[Phase.CLOSED] == frozenset()


def test_there_is_no_way_to_ready_without_proof_admission_and_greeting() -> None:
    for needed in (Phase.PROVING, Phase.ADMISSION, Phase.DIALLING, Phase.GREETING):
        reached, todo = {Phase.OPENING}, [Phase.OPENING]
        while todo:
            for after in NEXT[todo.pop()] - reached - {needed}:
                reached.add(after)
                todo.append(after)
        assert Phase.READY not in reached, needed


def test_commands_are_taken_only_when_ready_and_passwords_only_before() -> None:
    assert Front.QUERY not in CLIENT_MAY_SEND[Phase.PROVING]
    assert Front.PASSWORD not in CLIENT_MAY_SEND[Phase.READY]
    assert set(CLIENT_MAY_SEND) == {Phase.PROVING, Phase.READY}


def test_the_page_of_the_protocol_shows_this_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == renewed(page)
