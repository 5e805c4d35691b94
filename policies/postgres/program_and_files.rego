# METADATA
# title: The server's programs, files and connections
# description: |
#   SQL can run programs on the database server, read and write its files, load libraries into it and open connections
#   from it. No work with data needs that: denied to everybody, administrators too. Extensions wait for a second
#   administrator.
package policies.postgres.program_and_files

import data.policies.lib.roles
import data.policies.lib.sql

deny contains {
	"code": "SERVER_PROGRAM",
	"reason": "this would run a program on the database server",
	"hint": "use \\copy in psql: it reads and writes files on your side",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "program"
}

deny contains {
	"code": "SERVER_FILE",
	"reason": "this would read or write a file on the database server",
	"hint": "use \\copy in psql, or COPY ... TO STDOUT: they use files on your side",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "file"
}

deny contains {
	"code": "FILE_FUNCTION",
	"reason": "this function reads or writes files or large objects on the database server",
	"hint": "keep files on your side",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "function"
	lower(sql.bare(target.name)) in sql.file_functions
}

deny contains {
	"code": "REMOTE_CONNECTION",
	"reason": "this would open a connection from the database server to another host",
	"hint": "connect to the other database through its own resource",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "function"
	lower(sql.bare(target.name)) in sql.remote_functions
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
		"create_subscription", "alter_subscription", "create_publication", "alter_publication",
	}
}

deny contains {
	"code": "SERVER_FUNCTION",
	"reason": "this function acts on the server or on other people's sessions",
	"hint": "ask an operator of the database",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "function"
	lower(sql.bare(target.name)) in sql.server_functions
}

deny contains {
	"code": "LOAD",
	"reason": "this would load a library into the database server",
	"hint": "ask an operator of the database",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"load", "alter_system", "create_language", "create_tablespace", "alter_tablespace"}
}

deny contains {
	"code": "EXTENSION",
	"reason": "extensions bring code into the database server",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"create_extension", "alter_extension"}
	not roles.is_administrator
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
	roles.is_administrator
}
