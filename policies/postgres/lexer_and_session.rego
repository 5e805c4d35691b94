# METADATA
# title: The session stays as it was judged
# description: |
#   Some settings change how the server reads the next text, what a name in it means, or which protections are on. A
#   command judged before such a change would mean something else after it. Denied to everybody, however it is spelt
#   (SET, SET LOCAL, set_config, ALTER ROLE ... SET).
package policies.postgres.lexer_and_session

deny contains {
	"code": "READING_SETTING",
	"reason": "this setting changes how the server reads your next command",
	"hint": "leave it as it is; client_encoding is chosen when you connect (UTF8)",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access != "read"
	target.name in {
		"backslash_quote", "client_encoding", "escape_string_warning", "names", "standard_conforming_strings",
		"transform_null_equals",
	}
}

deny contains {
	"code": "NAME_SETTING",
	"reason": "this setting changes what unqualified names mean",
	"hint": "write the schema before the name: schema.table",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access != "read"
	target.name in {
		"schema", "search_path", "temp_tablespaces",
	}
}

deny contains {
	"code": "PROTECTION_SETTING",
	"reason": "this setting switches off row security, triggers or other protections",
	"hint": "ask an administrator of the database",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access != "read"
	target.name in {
		"allow_in_place_tablespaces", "allow_system_table_mods", "check_function_bodies",
		"default_transaction_read_only", "ignore_checksum_failure", "ignore_system_indexes", "row_security",
		"session_preload_libraries", "session_replication_role", "local_preload_libraries",
		"transaction_read_only", "zero_damaged_pages",
	}
}

# The same by what the parser saw, for spellings that name no setting.
deny contains {
	"code": "SESSION_CHANGED",
	"reason": "this changes how later commands in this session are read or protected",
	"hint": "leave these settings as they are",
} if {
	input.command.protocol == "postgres"
	some feature in input.command.features
	feature in {"lexer_setting", "row_security_change", "search_path", "trigger_bypass"}
}

# UPDATE pg_settings is SET by another name; other system tables decide about everything.
deny contains {
	"code": "SYSTEM_CATALOG",
	"reason": "this changes the database server's own tables",
	"hint": "change your own tables only",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.access in {"write", "delete"}
	target.schema
	target.schema in {"pg_catalog", "information_schema", "pg_toast"}
}

deny contains {
	"code": "SLEEP",
	"reason": "this would keep a connection busy with waiting",
	"hint": "wait on your side",
} if {
	input.command.protocol == "postgres"
	"sleep" in input.command.features
}
