# METADATA
# title: What stays, hides or opens the host
# description: |
#   Refuses what starts by itself, removes traces, switches off protection, changes the kernel, leaves a container or records.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.persistence

deny contains {
	"code": "PERSISTENCE",
	"reason": "this makes something start by itself",
	"hint": "put it into the configuration of the machine",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"persistence"}
}

deny contains {
	"code": "TRACES",
	"reason": "this removes or forges logs and histories",
	"hint": "leave them",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"trace_removal"}
}

deny contains {
	"code": "PROTECTION",
	"reason": "this switches off something that protects",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"protection_off"}
}

deny contains {
	"code": "KERNEL",
	"reason": "this changes the kernel or the boot",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"kernel_change"}
}

deny contains {
	"code": "ESCAPE",
	"reason": "this gives a container the host",
	"hint": "run it without rights of the host",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"container_escape"}
}

deny contains {
	"code": "CAPTURES",
	"reason": "this records keystrokes, screens or traffic",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"captures_input"}
}
