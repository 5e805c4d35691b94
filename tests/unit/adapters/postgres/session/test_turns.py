from adapters.postgres.session.turns import Need


def test_every_need_is_a_reason_of_its_own() -> None:
    assert len({need.value for need in Need}) == len(Need)
