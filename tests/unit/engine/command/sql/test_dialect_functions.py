"""The tables of functions: each protocol has one, and nothing stands in them that does more than compute."""

from __future__ import annotations

import pytest

from engine.command.sql.dialect_functions import FUNCTIONS
from engine.command.sql.dialects import DIALECTS

NEVER = """
load_file sleep benchmark get_lock release_lock release_all_locks master_pos_wait source_pos_wait
wait_for_executed_gtid_set sys_exec sys_eval
openrowset openquery opendatasource fn_get_audit_file fn_trace_gettable
external_query vector_search appends ml_predict
result_scan get_presigned_url build_scoped_file_url build_stage_file_url infer_schema directory identifier to_file
ai_complete ai_classify ai_agg semantic_view read_csv read_parquet
"""


def test_every_protocol_has_its_table() -> None:
    assert set(FUNCTIONS) == set(DIALECTS)
    assert all(len(names) > 200 for names in FUNCTIONS.values())


@pytest.mark.parametrize("name", NEVER.split())
def test_what_reaches_out_waits_or_locks_is_in_none(name: str) -> None:
    assert not [protocol for protocol, names in FUNCTIONS.items() if name in names]


def test_names_are_in_lower_case() -> None:
    assert all(name == name.lower() for names in FUNCTIONS.values() for name in names)
