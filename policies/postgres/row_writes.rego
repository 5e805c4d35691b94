# METADATA
# title: Developers change rows
# description: |
#   Developers and administrators may INSERT, UPDATE, DELETE and MERGE rows outside production. In production the same
#   commands are held (prod_holds).
package policies.postgres.row_writes

import data.policies.lib.reading

allow contains {"code": "ROW_WRITE", "reason": "changing rows outside production"} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	input.resource.labels.environment in {"dev", "test", "staging"}
	reading.only_reads_and_writes_rows
}

allow contains {"code": "ADMINISTRATOR", "reason": "administration outside production"} if {
	input.command.protocol == "postgres"
	"dba" in input.principal.groups
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
}
