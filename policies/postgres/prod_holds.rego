# METADATA
# title: Production writes need a second pair of eyes
# description: |
#   In production whatever changes something waits until an administrator has seen this exact command and approved it.
#   Nobody approves their own. A database whose label `environment` is missing or misspelt counts as production.
package policies.postgres.prod_holds

import data.policies.lib.reading

hold contains {
	"code": "PROD_WRITE",
	"reason": "an administrator looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	not input.resource.labels.environment in {"dev", "test", "staging"}
	"developers" in input.principal.groups
	reading.writes_rows
	reading.only_reads_and_writes_rows
}

hold contains {
	"code": "PROD_ADMINISTRATION",
	"reason": "a second administrator looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	not input.resource.labels.environment in {"dev", "test", "staging"}
	"dba" in input.principal.groups
	not reading.only_reads
}

deny contains {
	"code": "SCHEMA_CHANGE",
	"reason": "your role changes rows, not what the database is made of",
	"hint": "put this into a migration, or ask an administrator to run it",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "create"
	not "dba" in input.principal.groups
}
