# METADATA
# title: What removes, ends or publishes
# description: |
#   Refuses what destroys machines and trees; what removes, ends or publishes waits for the group `operators`.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.destructive

deny contains {
	"code": "WHOLE_TREE",
	"reason": "this removes everything below a root, a home, a system folder or the working folder",
	"hint": "name the files you mean",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"whole_tree"}
}

deny contains {
	"code": "DEVICE",
	"reason": "this writes to a disk or device itself",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"raw_device"}
}

deny contains {
	"code": "EXHAUSTION",
	"reason": "this fills disks, memory or process tables",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"resource_exhaustion"}
}

deny contains {
	"code": "POWER",
	"reason": "this shuts machines down",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"power_change"}
}

hold contains {
	"code": "DELETES",
	"reason": "an operator looks at what is removed",
	"hint": "remove single files by name, without -r, those are free",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"bulk_delete", "outside_delete", "dynamic_delete"}
}

hold contains {
	"code": "VERB",
	"reason": "an operator looks at verbs after which something is gone",
	"hint": "look first: list, describe, plan, diff are free",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"destructive_verb", "kills_processes"}
}

hold contains {
	"code": "HISTORY",
	"reason": "an operator looks at what throws away work or history",
	"hint": "commit or stash first",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"rewrites_history"}
}

hold contains {
	"code": "PUBLISHES",
	"reason": "an operator looks at what becomes public or live",
	"hint": "use a branch and the pipeline",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"publishes"}
}
