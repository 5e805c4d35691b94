"""What `engine/native/grammar` knows of PostgreSQL's nodes is what the headers of the pinned version say."""

from __future__ import annotations

from tests.house import grammar_facts


def test_the_table_of_nodes_is_the_headers() -> None:
    committed = grammar_facts.TABLE.read_text()
    assert committed == grammar_facts.table(), "nodes.tsv is stale: run `python -m tests.house.grammar_facts`"
