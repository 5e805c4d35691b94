# METADATA
# title: What the server knows about others
# description: |
#   Statistics hold samples of the very values that masks hide; activity views show other people's statements; a few
#   catalogues hold password hashes and connection strings. \d and its like in psql need none of them.
package policies.postgres.statistics

deny contains {
	"code": "STATISTICS",
	"reason": "planner statistics hold samples of other tables' values",
	"hint": "pg_class.reltuples gives an estimate of row counts",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.relation
	target.relation in {
		"pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs",
	}
}

deny contains {
	"code": "ACTIVITY",
	"reason": "this shows other people's statements, which may hold secrets",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.relation
	target.relation in {
		"pg_cursors", "pg_prepared_statements", "pg_prepared_xacts", "pg_stat_activity",
		"pg_stat_get_activity", "pg_stat_get_backend_activity", "pg_stat_replication", "pg_stat_statements",
		"pg_stat_statements_info", "pg_stat_subscription", "pg_stat_wal_receiver",
	}
	not "dba" in input.principal.groups
}

deny contains {
	"code": "ACTIVITY_FUNCTION",
	"reason": "this shows other people's statements, which may hold secrets",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.name in {
		"pg_catalog.pg_cursor", "pg_catalog.pg_prepared_statement", "pg_catalog.pg_prepared_xact",
		"pg_catalog.pg_stat_get_activity", "pg_catalog.pg_stat_get_backend_activity",
		"pg_catalog.pg_stat_get_subscription", "pg_catalog.pg_stat_get_wal_receiver",
		"pg_catalog.pg_stat_get_wal_senders",
	}
	not "dba" in input.principal.groups
}

deny contains {
	"code": "SERVER_SECRETS",
	"reason": "this holds password hashes, connection strings or access rules",
	"hint": "pg_roles and pg_stat_database show what is not secret",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.relation
	target.relation in {
		"_pg_foreign_servers", "_pg_user_mappings", "foreign_server_options", "pg_authid",
		"pg_db_role_setting", "pg_file_settings", "pg_foreign_server", "pg_hba_file_rules",
		"pg_ident_file_mappings", "pg_largeobject", "pg_shadow", "pg_subscription", "pg_user_mapping",
		"pg_user_mappings", "user_mapping_options",
	}
}
