from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509

from gateway.demo.certificates import LIFETIME, loopback_certificate

NOW = datetime.datetime(2026, 5, 4, 12, tzinfo=datetime.UTC)


def test_it_is_good_for_loopback_now_and_ends_soon() -> None:
    made = x509.load_pem_x509_certificate(loopback_certificate(NOW).certificate)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc == NOW + LIFETIME


def test_a_tls_server_can_use_it_and_a_client_trusts_it_alone(tmp_path: Path) -> None:
    made = loopback_certificate(NOW)
    (tmp_path / "c").write_bytes(made.certificate)
    (tmp_path / "k").write_bytes(made.key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "c", tmp_path / "k")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(tmp_path / "c")
    assert client.cert_store_stats()["x509"] == 1


def test_each_run_has_a_key_of_its_own_and_does_not_show_it() -> None:
    one, two = loopback_certificate(NOW), loopback_certificate(NOW)
    assert one.key != two.key
    assert "PRIVATE" not in repr(one)
