# METADATA
# title: Files that come and go over SFTP
# description: |
#   Ordinary files are free; keys, start files, files of the system, removals and modes wait for `operators`.
#   Paths are where they lead on the target, all links followed. Speaks of the group `developers`. Signs: docs/commands.md.
package policies.ssh.files

import data.policies.lib.shells

allow contains {"code": "FILE", "reason": "developers read and change ordinary files"} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	input.command.complete == true
	some op in input.command.operations
	op.via[0] == "sftp"
	shells.ordinary(op)
}

hold contains {
	"code": "FILE_LOOKED_AT",
	"reason": "an operator looks at keys, start files, files of the system, removals and modes",
	"hint": "keep to files of the project",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.via[0] == "sftp"
	not shells.ordinary(op)
}

deny contains {
	"code": "ODD_PATH",
	"reason": "this path holds characters that nobody sees as what they are, or the request is none",
	"hint": "rename the file",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	not input.command.complete == true
	not "unjudged" in input.command.features
}
