# METADATA
# title: Readers read
# description: |
#   Whoever has a role may read rows. Somebody who is a reader and nothing more gets a plain answer to everything else.
#   A function that nobody vouched for waits for an administrator. Statements that only concern one's own session (BEGIN, SHOW, SET of a comfort setting) count as reading.
package policies.postgres.read_only

import data.policies.lib.reading

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	some group in input.principal.groups
	group in {"data-readers", "developers", "dba"}
	reading.only_reads
}

deny contains {
	"code": "READERS_ONLY_READ",
	"reason": "your role may read, and this would do more",
	"hint": "if you need to change data, ask for the group `developers`",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect in {"write", "create", "delete", "grant", "execute"}
	"data-readers" in input.principal.groups
	not "developers" in input.principal.groups
	not "dba" in input.principal.groups
	not reading.reads_but_calls
}

hold contains {
	"code": "UNVOUCHED_FUNCTION",
	"reason": "this calls a function that nobody vouched for, so an administrator looks at it first",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	"unknown_function" in input.command.features
	some group in input.principal.groups
	group in {"data-readers", "developers", "dba"}
	reading.reads_but_calls
}
