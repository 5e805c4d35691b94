from adapters.postgres.session.steps import BIND, OWN_BIND, OWN_SYNC, SYNC, Due, Step, Tag


def test_a_step_shows_its_completion_or_swallows_it_and_nothing_else_by_default() -> None:
    assert BIND.shown
    assert not OWN_BIND.shown
    step = Step(Due.EXECUTE, shown=True)
    assert (step.tag, step.poison, step.run, step.awaited, step.probe) == (Tag.SHOWN, None, None, False, False)


def test_shared_steps_depend_on_no_command() -> None:
    for step in (BIND, OWN_BIND, SYNC, OWN_SYNC):
        assert step.run is None
        assert step.change is None
