"""What answers over gRPC and HTTP is built from one gateway, and reads traces of callers only where there are traces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.request import Principal
from gateway.app.assembly import Gateway
from gateway.config import load_config
from gateway.config.model import Faces, ServerTls
from gateway.errors import ConfigInvalid
from gateway.rpc.identity import Caller, OneCaller, TracedCaller
from tests.strategies.gateways import ENVIRONMENT, settle_in


def test_callers_are_asked_for_their_trace_only_where_there_are_traces(tmp_path: Path) -> None:
    built = Gateway(load_config(settle_in(tmp_path), {}), ENVIRONMENT)
    served, plain = built._served(), OneCaller(Caller(Principal("app")))
    assert not served.is_traced
    assert served._around(plain) is plain
    assert isinstance(replace(served, is_traced=True)._around(plain), TracedCaller)
    built.close()


def test_faces_with_a_certificate_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    config = load_config(settle_in(tmp_path), {})
    built = Gateway(replace(config, faces=Faces("127.0.0.1:0", ServerTls("none.crt", "none.key"))), ENVIRONMENT)
    with pytest.raises(ConfigInvalid):
        built._served().faces("127.0.0.1:0")
    built.close()
