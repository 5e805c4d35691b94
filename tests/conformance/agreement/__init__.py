"""What commands as trees come to on cases from outside: computed once, printed by `python -m tests.conformance.agreement`, held by tests."""
