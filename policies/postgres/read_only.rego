# METADATA
# title: Readers read
# description: |
#   Whoever has a role may read rows. Somebody who is a reader and nothing more gets a plain answer to everything else.
#   Statements that only concern one's own session (BEGIN, SHOW, SET of a comfort setting) count as reading.
package policies.postgres.read_only

import data.policies.lib.reading
import data.policies.lib.roles

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	roles.is_known
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
	roles.is_reader
	not roles.is_writer
	not roles.is_administrator
}
