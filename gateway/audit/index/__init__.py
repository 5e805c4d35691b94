"""Finding entries without reading the whole log: `sought` says what is meant, `terms` what an entry is found by, `postings` keeps that
in the store, `finding` asks it and checks every answer against the log, `keeping` follows the log in a running gateway."""
