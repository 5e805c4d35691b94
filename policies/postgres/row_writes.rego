# METADATA
# title: Developers change rows
# description: |
#   Developers and administrators may INSERT, UPDATE, DELETE and MERGE rows outside production. In production the same
#   commands are held (prod_holds).
package policies.postgres.row_writes

import data.policies.lib.environment
import data.policies.lib.reading
import data.policies.lib.roles

allow contains {"code": "ROW_WRITE", "reason": "changing rows outside production"} if {
	input.command.protocol == "postgres"
	roles.is_writer
	not environment.is_production
	reading.only_reads_and_writes_rows
}

allow contains {"code": "ADMINISTRATOR", "reason": "administration outside production"} if {
	input.command.protocol == "postgres"
	roles.is_administrator
	not environment.is_production
	input.command.complete == true
}
