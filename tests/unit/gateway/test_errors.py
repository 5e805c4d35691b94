from gateway.errors import AuditUnavailable, ConfigInvalid, GatewayError


def test_each_error_has_a_code_and_says_what_to_do() -> None:
    error = ConfigInvalid("no such key `x`", help="remove it")
    assert (error.code, error.help) == ("CONFIG_INVALID", "remove it")
    assert AuditUnavailable("disk full").code == "AUDIT_UNAVAILABLE"
    assert issubclass(ConfigInvalid, GatewayError)
