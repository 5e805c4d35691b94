# METADATA
# title: What developers do in shells without anybody looking
# description: |
#   Allows; everything else in this folder takes away.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.ordinary

import data.policies.lib.shells

allow contains {"code": "ORDINARY", "reason": "developers may look, build, change their own files and ask servers"} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		shells.ordinary(op)
	}
}
