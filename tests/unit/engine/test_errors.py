from engine.errors import EngineError, InputInvalid, PolicyRefused
from engine.source import Diagnostic


def test_a_refused_policy_carries_every_diagnostic_and_counts_them() -> None:
    error = PolicyRefused([Diagnostic("A", "first", "a.rego"), Diagnostic("B", "second", "b.rego")])
    assert [item.code for item in error.diagnostics] == ["A", "B"]
    assert str(error) == "first (and 1 more)"


def test_every_error_has_its_own_code_and_may_be_given_a_finer_one() -> None:
    assert InputInvalid("x").code == "INPUT_INVALID"
    assert EngineError("x", code="FINER").code == "FINER"
    assert EngineError.code == "ENGINE"
