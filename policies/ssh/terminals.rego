# METADATA
# title: Terminals
# description: |
#   The guarded shell is open (each line is judged as a command). Programs that need the whole screen: some that only show. Terminals of
#   the target, where nobody judges what is typed: on resources with the label `terminals: recorded`, after an operator looked.
#   Speaks of the group `developers`.
package policies.ssh.terminals

screen_programs := {"less", "man", "more", "top"}

allow contains {"code": "GUARDED", "reason": "a guarded shell is open; each line is judged by itself"} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind == "guarded_shell"
}

allow contains {"code": "SCREEN", "reason": "this program only shows"} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind == "screen_program"
	op.targets[0].name in screen_programs
}

deny contains {
	"code": "OTHER_SCREEN",
	"reason": "this program can do more on a terminal than show something",
	"hint": "send files with sftp, change them with commands",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind == "screen_program"
	not op.targets[0].name in screen_programs
}

hold contains {
	"code": "UNJUDGED",
	"reason": "an operator looks before somebody types where nobody judges",
	"hint": "use the guarded shell",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind in {"raw_shell", "terminal"}
	input.resource.labels.terminals == "recorded"
}

deny contains {
	"code": "NO_TERMINAL",
	"reason": "terminals of this target are not for clients",
	"hint": "use the guarded shell: ssh -t without a command",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind in {"raw_shell", "terminal"}
	not input.resource.labels.terminals == "recorded"
}

limit contains {"code": "RECORDED", "reason": "terminals of a target are recorded", "type": "record", "value": true} if {
	input.command.protocol == "ssh"
	some op in input.command.operations
	op.kind in {"raw_shell", "screen_program", "terminal"}
}
