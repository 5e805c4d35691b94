# METADATA
# title: Data readers read, and nothing else
# description: |
#   The group `data-readers` may run anything that only reads, psql's \d commands included. A call of a function that nobody
#   vouched for waits until the group `dba` has looked at it. Everything else is denied:
#   what no rule below allows has no way through. The denials say why, and keep readers out of the server's own secrets.
package policies.examples.read_only

allow contains {"code": "READ", "reason": "data readers may read"} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		only_reads(op)
	}
}

only_reads(op) if op.effect == "read"

# No client works without transactions and a few comfort settings of its own session.
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

# `set_config` with the name of such a setting written out, and no other setting in the command.
only_reads(op) if {
	op.kind == "call_function"
	op.effect == "session"
	some one in op.targets
	one.type == "setting"
	every target in op.targets {
		sets_harmlessly(target)
	}
	not changes_more
}

sets_harmlessly(target) if {
	target.type == "function"
	target.name == "pg_catalog.set_config"
}

sets_harmlessly(target) if {
	target.type == "setting"
	target.name in printing_settings
}

changes_more if {
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access == "set"
	not target.name in harmless_settings
}

own_session_kinds := {
	"begin", "close_cursor", "commit", "deallocate", "declare_cursor", "move", "release_savepoint", "rollback",
	"rollback_to_savepoint", "savepoint", "set_transaction", "show",
}

# How values are printed, and nothing else: drivers set that by `set_config`, and limits are not theirs to lift.
printing_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits", "intervalstyle",
	"lc_messages", "lc_monetary", "lc_numeric", "lc_time", "timezone",
}

harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "intervalstyle", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
	"lock_timeout", "statement_timeout", "time zone", "timezone",
}

hold contains {
	"code": "UNVOUCHED_FUNCTION",
	"reason": "this calls a function that nobody vouched for, so a DBA looks at it first",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	"unknown_function" in input.command.features
	waits_for_a_look
}

# Nothing but reading and calls of functions in schemas that are named (`?.` is a name nobody could place).
waits_for_a_look if {
	"unknown_function" in input.command.features
	count(input.command.problems) == 0
	every feature in input.command.features {
		feature in {"unknown_function", "whole_row"}
	}
	every op in input.command.operations {
		reads_or_calls(op)
	}
}

reads_or_calls(op) if only_reads(op)

reads_or_calls(op) if {
	op.kind == "call_function"
	op.effect == "execute"
	count(op.targets) > 0
	every target in op.targets {
		target.type == "function"
		not startswith(target.name, "?.")
		not startswith(target.name, "pg_catalog.")
	}
}

# Somebody who has another role as well is judged by that role's policies; this one has nothing to say to them.
is_only_a_reader if {
	"data-readers" in input.principal.groups
	not "developers" in input.principal.groups
	not "dba" in input.principal.groups
}

deny contains {
	"code": "NOT_A_READ",
	"reason": "your role may read, and this would do more",
	"hint": "leave out what writes, or ask for the group `developers`",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect in {"write", "create", "delete", "grant", "execute"}
	is_only_a_reader
	not waits_for_a_look
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen, so nobody can say that it only reads",
	"hint": "write it in a plainer way, one statement at a time, with PostgreSQL's own functions",
} if {
	input.command.protocol == "postgres"
	not input.command.complete == true
	is_only_a_reader
	not waits_for_a_look
}

# What holds secrets, samples of other tables' values, or other people's statements, whatever schema it is asked for in.
deny contains {
	"code": "SERVER_INSIDES",
	"reason": "this holds secrets, statistics or other people's statements of the database server",
	"hint": "query the tables themselves; \\d in psql works",
} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
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
	"data-readers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.name in {
		"pg_catalog.lo_get", "pg_catalog.lo_open", "pg_catalog.loread", "pg_catalog.pg_cursor",
		"pg_catalog.pg_prepared_statement", "pg_catalog.pg_prepared_xact", "pg_catalog.pg_stat_get_activity",
		"pg_catalog.pg_stat_get_backend_activity", "pg_catalog.pg_stat_get_subscription",
		"pg_catalog.pg_stat_get_wal_receiver", "pg_catalog.pg_stat_get_wal_senders",
	}
}

# What a table's long values are moved to is that table, by another name.
deny contains {
	"code": "TOASTED",
	"reason": "this is what other tables keep aside",
	"hint": "query the tables themselves",
} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.schema
	startswith(target.schema, "pg_toast")
}

# Settings may hold passwords: those of a server's own connections and programs, and those that somebody gave a role. A name that
# is computed is let be: psql's \dconfig asks so, and what pg_settings lists is for the server to hide.
deny contains {
	"code": "SECRET_SETTING",
	"reason": "this setting may hold a password",
	"hint": "name the one setting that you need",
} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access == "read"
	target.name in {
		"all", "archive_cleanup_command", "archive_command", "primary_conninfo", "recovery_end_command",
		"restore_command", "ssl_passphrase_command",
	}
}

deny contains {
	"code": "ROLE_SETTINGS",
	"reason": "this shows settings of roles, which may hold passwords",
	"hint": "name the columns that you need: rolname, rolsuper and the others are no secret",
} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	some column in input.command.sql.reads
	column in {"pg_catalog.pg_roles.rolconfig", "pg_catalog.pg_user.useconfig"}
}
