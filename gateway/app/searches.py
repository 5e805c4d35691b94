"""Searching the audit of a configuration, and keeping the index of it. Called by `assembly` and the command line."""

from __future__ import annotations

from engine.evaluator.reader import CommandReader
from gateway.audit.catalogs import KeptCatalogs
from gateway.audit.index.finding import Finder
from gateway.audit.index.keeping import Indexer, Indexing
from gateway.audit.index.postings import Postings
from gateway.audit.index.sought import FactReader
from gateway.config import Config
from gateway.store.database import Database


def build_search(config: Config, database: Database, log: str, reader: CommandReader) -> tuple[Finder, Indexing]:
    """What answers searches, and what keeps the index (not started). `log` is the log's name."""
    # WHY a memory of catalogs each: they are asked from different threads.
    directory = config.at(config.audit.dir)
    finder = Finder(directory, FactReader(reader, KeptCatalogs(directory)), Postings(database, log))
    return finder, Indexing(build_indexer(config, database, log, reader))


def build_indexer(config: Config, database: Database, log: str, reader: CommandReader) -> Indexer:
    """What takes entries into the index."""
    directory = config.at(config.audit.dir)
    return Indexer(directory, Postings(database, log), FactReader(reader, KeptCatalogs(directory)))
