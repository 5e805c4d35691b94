# METADATA
# title: Names in PostgreSQL that policies ask about
# description: |
#   Sets of function, relation and setting names. A function is compared by its bare name, whatever schema it was
#   called in: a guard that asked for `pg_catalog` would miss the name found through `search_path`.
package policies.lib.sql

# Read or write files on the server's disk, large objects (files by another name) and the server's own log.
file_functions := {
	"lo_close", "lo_creat", "lo_create", "lo_export", "lo_from_bytea", "lo_get", "lo_import", "lo_import_with_oid",
	"lo_lseek", "lo_lseek64", "lo_manage", "lo_open", "lo_put", "lo_tell", "lo_tell64", "lo_truncate",
	"lo_truncate64", "lo_unlink", "loread", "lowrite",
	"pg_current_logfile", "pg_file_length", "pg_file_read", "pg_file_rename", "pg_file_sync", "pg_file_unlink",
	"pg_file_write", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_logdir_ls", "pg_ls_archive_statusdir",
	"pg_ls_dir", "pg_ls_logdir", "pg_ls_logicalmapdir", "pg_ls_logicalsnapdir", "pg_ls_replslotdir",
	"pg_ls_summariesdir", "pg_ls_tmpdir", "pg_ls_waldir", "pg_read_binary_file", "pg_read_file",
	"pg_read_server_files", "pg_show_all_file_settings", "pg_stat_file",
}

# Open a connection from the server to somewhere else, with whatever the server may reach.
remote_functions := {
	"dblink", "dblink_build_sql_delete", "dblink_build_sql_insert", "dblink_build_sql_update",
	"dblink_cancel_query", "dblink_close", "dblink_connect", "dblink_connect_u", "dblink_disconnect",
	"dblink_error_message", "dblink_exec", "dblink_fetch", "dblink_get_connections", "dblink_get_result",
	"dblink_open", "dblink_send_query", "postgres_fdw_disconnect", "postgres_fdw_disconnect_all",
	"postgres_fdw_get_connections", "http", "http_delete", "http_get", "http_head", "http_patch", "http_post",
	"http_put",
}

# Run SQL that stands in a string, or dump relations whose names stand in one.
text_as_sql_functions := {
	"connectby", "crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstabn", "cursor_to_xml",
	"cursor_to_xmlschema", "database_to_xml", "database_to_xml_and_xmlschema", "database_to_xmlschema",
	"query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "schema_to_xml",
	"schema_to_xml_and_xmlschema", "schema_to_xmlschema", "table_to_xml", "table_to_xml_and_xmlschema",
	"table_to_xmlschema", "ts_rewrite", "ts_stat", "xpath_table",
}

# Act on the server or on other people's sessions rather than on rows.
server_functions := {
	"pg_backup_start", "pg_backup_stop", "pg_cancel_backend", "pg_copy_logical_replication_slot",
	"pg_copy_physical_replication_slot", "pg_create_logical_replication_slot",
	"pg_create_physical_replication_slot", "pg_create_restore_point", "pg_drop_replication_slot",
	"pg_import_system_collations", "pg_log_backend_memory_contexts", "pg_log_standby_snapshot",
	"pg_logical_emit_message", "pg_logical_slot_get_binary_changes", "pg_logical_slot_get_changes",
	"pg_logical_slot_peek_binary_changes", "pg_logical_slot_peek_changes", "pg_notify",
	"pg_nextoid", "pg_promote", "pg_read_all_data", "pg_reload_conf", "pg_replication_origin_create",
	"pg_replication_origin_drop", "pg_replication_slot_advance", "pg_rotate_logfile", "pg_rotate_logfile_old",
	"pg_start_backup", "pg_stat_reset", "pg_stat_reset_replication_slot", "pg_stat_reset_shared",
	"pg_stat_reset_single_function_counters", "pg_stat_reset_single_table_counters", "pg_stat_reset_slru",
	"pg_stat_statements_reset", "pg_stop_backup", "pg_switch_wal", "pg_sync_replication_slots",
	"pg_terminate_backend", "pg_wal_replay_pause", "pg_wal_replay_resume",
}

# Hold samples of other tables' values: masks do not reach them.
statistics_relations := {
	"pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs",
}

# Show other people's statements, which may hold values and secrets.
activity_relations := {
	"pg_cursors", "pg_prepared_statements", "pg_prepared_xacts", "pg_stat_activity", "pg_stat_replication",
	"pg_stat_statements", "pg_stat_subscription", "pg_stat_wal_receiver",
}

activity_functions := {
	"pg_cursor", "pg_prepared_statement", "pg_prepared_xact", "pg_stat_get_activity",
	"pg_stat_get_backend_activity", "pg_stat_get_subscription", "pg_stat_get_wal_receiver",
	"pg_stat_get_wal_senders", "pg_stat_statements",
}

# Hold password hashes, connection strings, file contents, access rules.
secret_relations := {
	"pg_authid", "pg_file_settings", "pg_foreign_server", "pg_hba_file_rules", "pg_ident_file_mappings",
	"pg_largeobject", "pg_shadow", "pg_subscription", "pg_user_mapping", "pg_user_mappings",
	"foreign_server_options", "user_mapping_options",
}

# Change how the server reads what is sent to it, so that it could read another command than was judged.
reading_settings := {
	"backslash_quote", "client_encoding", "escape_string_warning", "names", "quote_all_identifiers",
	"standard_conforming_strings", "transform_null_equals",
}

# Change what unqualified names mean.
name_settings := {"default_tablespace", "search_path", "schema", "temp_tablespaces"}

# Switch off what the database's owner put in place: row security, triggers, foreign keys, checks.
protection_settings := {
	"allow_system_table_mods", "check_function_bodies", "default_transaction_read_only",
	"ignore_system_indexes", "row_security", "session_replication_role", "transaction_read_only",
	"zero_damaged_pages",
}

# Act as somebody else.
identity_settings := {"role", "session_authorization"}

# Change nothing but one's own comfort: how values are printed, how long to wait.
harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "idle_session_timeout", "intervalstyle", "jit", "lc_messages",
	"lc_monetary", "lc_numeric", "lc_time", "lock_timeout", "plan_cache_mode", "seed", "statement_timeout",
	"time zone", "timezone", "tcp_keepalives_idle", "transaction_timeout", "work_mem", "xmloption",
}

# The last part of a dotted name.
bare(name) := part if {
	parts := split(name, ".")
	part := parts[count(parts) - 1]
}
