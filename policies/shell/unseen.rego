# METADATA
# title: What nobody can see, and programs nobody listed
# description: |
#   Refuses what cannot be read; what could not be seen to the bottom, and programs nobody listed, wait for `operators`.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.unseen

import data.policies.lib.shells

# A comment, a blank line: no rule may call that ordinary, or what nobody saw would be allowed because nothing was seen.
deny contains {
	"code": "NOTHING_RUNS",
	"reason": "nothing in this text runs: it is blank or a comment",
	"hint": "send the command itself",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	every op in input.command.operations {
		op.kind == "empty"
	}
}

deny contains {
	"code": "UNREADABLE",
	"reason": "this text holds characters that nobody sees, or is nested too deeply to be read",
	"hint": "type it again in plain characters",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some problem in input.command.problems
	problem.code in {"control_character", "not_utf8", "nul_byte", "too_complex", "too_deep", "too_long", "too_many_operations"}
}

# What nobody can see to the bottom a person may still read: the exact text is what is approved.
hold contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen: code in an argument, a dynamic command, or no shell text at all",
	"hint": "write it in a plainer way, or put the code into a file of the project",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	not input.command.complete == true
	"developers" in input.principal.groups
}

hold contains {
	"code": "UNLISTED",
	"reason": "an operator looks at programs that nobody listed",
	"hint": "ask for the program to be listed",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	not shells.ordinary(op)
}
