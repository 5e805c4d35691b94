# METADATA
# title: The server's programs, files and connections
# description: |
#   SQL can run programs on the database server, read and write its files, load libraries into it and open connections
#   from it. No work with data needs that: denied to everybody, administrators too. Extensions wait for a second
#   administrator.
package policies.postgres.program_and_files

deny contains {
	"code": "SERVER_PROGRAM",
	"reason": "this would run a program on the database server",
	"hint": "use \\copy in psql: it reads and writes files on your side",
} if {
	input.command.protocol == "postgres"
	some feature in input.command.features
	feature in {"server_program", "copy_program"}
}

deny contains {
	"code": "SERVER_FILE",
	"reason": "this would read or write a file or a large object on the database server",
	"hint": "use \\copy in psql, or COPY ... TO STDOUT: they use files on your side",
} if {
	input.command.protocol == "postgres"
	some feature in input.command.features
	feature in {"server_file", "copy_file"}
}

deny contains {
	"code": "REMOTE_CONNECTION",
	"reason": "this would open a connection from the database server to another host",
	"hint": "connect to the other database through its own resource",
} if {
	input.command.protocol == "postgres"
	"network_access" in input.command.features
}

deny contains {
	"code": "SERVER_ADMINISTRATION",
	"reason": "this acts on the server or on other people's sessions",
	"hint": "ask an operator of the database",
} if {
	input.command.protocol == "postgres"
	"server_admin" in input.command.features
}

# The same by what is touched, however it is reached.
deny contains {
	"code": "OUTSIDE_THE_DATABASE",
	"reason": "this reaches outside the database: a program, a file, a large object or another host",
	"hint": "keep files on your side; connect to other databases through their own resources",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type in {"program", "file", "large_object", "host"}
}

deny contains {
	"code": "LARGE_OBJECT",
	"reason": "large objects are files inside the database, which nobody can mask",
	"hint": "keep files on your side",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "function"
	target.name in {
		"lo_close", "pg_catalog.lo_close", "lo_creat", "pg_catalog.lo_creat", "lo_create",
		"pg_catalog.lo_create", "lo_from_bytea", "pg_catalog.lo_from_bytea", "lo_get", "pg_catalog.lo_get",
		"lo_lseek", "pg_catalog.lo_lseek", "lo_lseek64", "pg_catalog.lo_lseek64", "lo_open",
		"pg_catalog.lo_open", "lo_put", "pg_catalog.lo_put", "lo_tell", "pg_catalog.lo_tell", "lo_tell64",
		"pg_catalog.lo_tell64", "lo_truncate", "pg_catalog.lo_truncate", "lo_truncate64",
		"pg_catalog.lo_truncate64", "lo_unlink", "pg_catalog.lo_unlink", "loread", "pg_catalog.loread",
		"lowrite", "pg_catalog.lowrite",
	}
}

deny contains {
	"code": "FOREIGN_SERVER",
	"reason": "this would let the database server reach another one",
	"hint": "connect to the other database through its own resource",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {
		"create_server", "alter_server", "create_foreign_data_wrapper", "alter_foreign_data_wrapper",
		"create_user_mapping", "alter_user_mapping", "import_foreign_schema", "create_foreign_table",
		"create_subscription", "alter_subscription", "create_publication", "alter_publication", "alter_foreign_table",
	}
}

deny contains {
	"code": "LOAD",
	"reason": "this would load a library into the database server",
	"hint": "ask an operator of the database",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {
		"alter_language", "alter_system", "alter_tablespace", "create_language", "create_tablespace", "load",
		"alter_text_search_template", "create_text_search_parser", "create_text_search_template",
	}
}

deny contains {
	"code": "EXTENSION",
	"reason": "extensions bring code into the database server",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"create_extension", "alter_extension"}
	not "dba" in input.principal.groups
}

hold contains {
	"code": "EXTENSION_REVIEW",
	"reason": "a second administrator looks at every extension",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "1h",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"create_extension", "alter_extension"}
	"dba" in input.principal.groups
}

deny contains {
	"code": "NOT_TO_BE_TRUSTED",
	"reason": "this language, extension or role reaches the server's programs, files or network",
	"hint": "use plpgsql or SQL, and extensions that stay inside the database",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.name in {
		"c", "internal", "plperlu", "plpython2u", "plpython3u", "plpythonu", "plsh", "pltclu", "plrust", "plv8u",
		"file_fdw", "dblink", "postgres_fdw", "adminpack", "pg_execute_server_program",
		"pg_read_server_files", "pg_write_server_files",
	}
	target.type in {"language", "extension", "role"}
}
