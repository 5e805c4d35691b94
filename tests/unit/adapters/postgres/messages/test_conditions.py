import pytest

from adapters.postgres.messages.conditions import condition_name


@pytest.mark.parametrize(
    ("code", "name"),
    [("23505", "unique violation"), ("23999", "integrity constraint violation"), ("ZZ123", "error"), ("", "error")],
)
def test_a_code_has_its_own_name_or_that_of_its_class(code: str, name: str) -> None:
    assert condition_name(code) == name
