# METADATA
# title: What the server knows about others
# description: |
#   Statistics hold samples of the very values that masks hide; activity views show other people's statements; a few
#   catalogues hold password hashes and connection strings. \d and its like in psql need none of them.
package policies.postgres.statistics

import data.policies.lib.roles
import data.policies.lib.sql

deny contains {
	"code": "STATISTICS",
	"reason": "planner statistics hold samples of other tables' values",
	"hint": "pg_class.reltuples gives an estimate of row counts",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	sql.bare(target.name) in sql.statistics_relations
}

deny contains {
	"code": "STATISTICS_VIEW",
	"reason": "planner statistics hold samples of other tables' values",
	"hint": "pg_class.reltuples gives an estimate of row counts",
} if {
	input.command.protocol == "postgres"
	"system_statistics" in input.command.features
}

deny contains {
	"code": "ACTIVITY",
	"reason": "this shows other people's statements, which may hold secrets",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	sql.bare(target.name) in sql.activity_relations
	not roles.is_administrator
}

deny contains {
	"code": "SERVER_SECRETS",
	"reason": "this holds password hashes, connection strings or access rules",
	"hint": "pg_roles and pg_stat_database show what is not secret",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	sql.bare(target.name) in sql.secret_relations
}
