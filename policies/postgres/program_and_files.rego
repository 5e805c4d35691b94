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
	sql.bare(target.name) in sql.large_object_functions
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
