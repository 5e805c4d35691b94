# METADATA
# title: Names the developers' policy asks about
package policies.examples.developer.names

own_session_kinds := {
	"begin", "close_cursor", "commit", "deallocate", "release_savepoint", "rollback", "rollback_to_savepoint",
	"savepoint", "show",
}

harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "intervalstyle", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
	"lock_timeout", "statement_timeout", "time zone", "timezone",
}

# What holds secrets, samples of other tables' values, other people's statements, or files. By bare name, whatever
# schema it is asked for in.
insides := {
	"foreign_server_options", "lo_get", "lo_open", "loread", "pg_authid", "pg_cursors", "pg_db_role_setting", "pg_file_settings",
	"pg_foreign_server", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_largeobject", "pg_prepared_statements",
	"pg_prepared_xacts", "pg_shadow", "pg_stat_activity", "pg_stat_get_activity", "pg_stat_get_backend_activity",
	"pg_stat_replication", "pg_stat_statements", "pg_statistic", "pg_statistic_ext_data", "pg_stats",
	"pg_stats_ext", "pg_stats_ext_exprs", "pg_subscription", "pg_user_mapping", "pg_user_mappings",
	"user_mapping_options",
}

row_kinds := {"copy_from", "delete", "insert", "merge", "select_for_update", "update"}
