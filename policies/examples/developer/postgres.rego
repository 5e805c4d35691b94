# METADATA
# title: Developers on databases
# description: |
#   The group `developers` reads everywhere and changes rows outside production. In production a change of rows waits for
#   the group `dba`. A database whose label `environment` is missing or misspelt is production. What empties or drops
#   tables, brings code, runs programs or changes privileges is denied; so is everything nobody could see.
package policies.examples.developer.postgres

allow contains {"code": "READ", "reason": "developers may read"} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		only_reads(op)
	}
}

allow contains {"code": "ROW_WRITE", "reason": "developers may change rows outside production"} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		reads_or_writes_rows(op)
	}
}

hold contains {
	"code": "PROD_WRITE",
	"reason": "a DBA looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	not input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	writes_rows
	every op in input.command.operations {
		reads_or_writes_rows(op)
	}
}

deny contains {
	"code": "WITHOUT_WHERE",
	"reason": "this UPDATE or DELETE has no WHERE and would touch every row of the table",
	"hint": "say which rows you mean",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"update", "delete"}
	not op.has_where == true
	"developers" in input.principal.groups
}

deny contains {
	"code": "DESTRUCTIVE",
	"reason": "dropping and truncating go through migrations",
	"hint": "put it into a migration, or ask a DBA",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "delete"
	not op.kind in {"delete", "merge", "copy_to", "explain_analyze", "insert", "prepare", "select", "update"}
	"developers" in input.principal.groups
}

deny contains {
	"code": "SCHEMA",
	"reason": "your role changes rows, not what the database is made of",
	"hint": "put it into a migration, or ask a DBA",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect in {"create", "grant"}
	"developers" in input.principal.groups
}

deny contains {
	"code": "EXECUTES",
	"reason": "this runs code or programs that nobody can judge beforehand",
	"hint": "send the statements themselves; for files use \\copy in psql",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "execute"
	"developers" in input.principal.groups
}

# What holds secrets, samples of other tables' values, or other people's statements, whatever schema it is asked for in.
deny contains {
	"code": "SERVER_INSIDES",
	"reason": "this holds secrets, statistics or other people's statements of the database server",
	"hint": "query the tables themselves; \\d in psql works",
} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.relation
	target.relation in {
		"_pg_foreign_servers", "_pg_user_mappings", "foreign_server_options", "pg_authid", "pg_cursors",
		"pg_db_role_setting", "pg_file_settings", "pg_foreign_server", "pg_hba_file_rules", "pg_ident_file_mappings",
		"pg_largeobject", "pg_prepared_statements", "pg_prepared_xacts", "pg_shadow", "pg_stat_activity",
		"pg_stat_replication", "pg_stat_statements", "pg_stat_statements_info", "pg_stat_subscription",
		"pg_stat_wal_receiver", "pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext",
		"pg_stats_ext_exprs", "pg_subscription", "pg_user_mapping", "pg_user_mappings", "user_mapping_options",
	}
}

# The same by function: large objects are files inside the database.
deny contains {
	"code": "SERVER_FUNCTION",
	"reason": "this reads files or other people's statements on the database server",
	"hint": "query the tables themselves",
} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.name in {
		"pg_catalog.lo_get", "pg_catalog.lo_open", "pg_catalog.loread", "pg_catalog.pg_cursor",
		"pg_catalog.pg_prepared_statement", "pg_catalog.pg_prepared_xact", "pg_catalog.pg_stat_get_activity",
		"pg_catalog.pg_stat_get_backend_activity", "pg_catalog.pg_stat_get_subscription",
		"pg_catalog.pg_stat_get_wal_receiver", "pg_catalog.pg_stat_get_wal_senders",
	}
}

# UPDATE pg_settings is SET by another name; other system tables decide about everything.
deny contains {
	"code": "SYSTEM_CATALOG",
	"reason": "this changes the database server's own tables",
	"hint": "change your own tables only",
} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.access in {"write", "delete"}
	target.schema
	target.schema in {"pg_catalog", "information_schema", "pg_toast"}
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen, so nobody can say what it does",
	"hint": "write it in a plainer way, one statement at a time, with PostgreSQL's own functions",
} if {
	input.command.protocol == "postgres"
	not input.command.complete == true
	"developers" in input.principal.groups
}

only_reads(op) if op.effect == "read"

only_reads(op) if {
	op.effect == "session"
	op.kind in own_session_kinds
}

only_reads(op) if {
	op.effect == "session"
	op.kind in {"set", "reset"}
	count(op.targets) > 0
	every target in op.targets {
		target.type == "setting"
		target.name in harmless_settings
	}
}

reads_or_writes_rows(op) if only_reads(op)

reads_or_writes_rows(op) if {
	op.effect in {"write", "delete"}
	op.kind in row_kinds
}

# Drawing a number from a sequence is what INSERT does anyway.
reads_or_writes_rows(op) if {
	op.kind == "call_function"
	op.effect == "write"
	count(op.targets) > 0
	every target in op.targets {
		draws_number(target)
	}
}

draws_number(target) if {
	target.type == "function"
	target.name == "pg_catalog.nextval"
}

draws_number(target) if target.type == "sequence"

writes_rows if {
	some op in input.command.operations
	op.effect != "read"
	op.effect != "session"
}

own_session_kinds := {
	"begin", "close_cursor", "commit", "deallocate", "release_savepoint", "rollback", "rollback_to_savepoint",
	"savepoint", "set_transaction", "show",
}

harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "intervalstyle", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
	"lock_timeout", "statement_timeout", "time zone", "timezone",
}

# The last three carry other statements and have the gravest effect among them; what they carry is listed by itself.
row_kinds := {
	"copy_from", "delete", "insert", "merge", "select_for_update", "update",
	"copy_to", "explain_analyze", "select",
}
