from hypothesis import given
from hypothesis import strategies as st

from engine.command.tree import Access, Command, Effect, Operation, Output, ParsedCommand, Problem, Sql, Target

texts = st.text(max_size=20)
targets = st.builds(Target, type=texts, name=texts, access=st.sampled_from(Access), schema=st.none() | texts)
operations = st.builds(
    Operation,
    kind=texts,
    effect=st.sampled_from(Effect),
    via=st.lists(texts, max_size=3).map(tuple),
    targets=st.lists(targets, max_size=3).map(tuple),
    has_where=st.none() | st.booleans(),
)
outputs = st.builds(Output, name=st.none() | texts, origins=st.lists(texts, max_size=2).map(tuple), function=st.none())
commands = st.builds(
    Command,
    protocol=texts,
    text=texts,
    digest=texts,
    operations=st.lists(operations, max_size=3).map(tuple),
    problems=st.lists(st.builds(Problem, texts, texts, st.none() | st.integers(0, 9)), max_size=2).map(tuple),
    sql=st.none() | st.builds(Sql, outputs=st.none() | st.lists(outputs, max_size=2).map(tuple)),
)


@given(commands)
def test_a_tree_survives_its_encoding(command: Command) -> None:
    assert ParsedCommand.of(command).command == command


def test_absent_optional_fields_are_left_out_of_what_policies_see() -> None:
    encoded = ParsedCommand.of(Command("postgres", "x", "d", (Operation("select", Effect.READ, ("top",)),))).encoded
    assert b"has_where" not in encoded
    assert b"sql" not in encoded


def test_a_command_is_incomplete_until_somebody_proves_otherwise() -> None:
    assert not Command("postgres", "x", "d", ()).complete
