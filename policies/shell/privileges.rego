# METADATA
# title: Rights, credentials and the system
# description: |
#   What uses other rights, touches credentials or the system waits for the group `operators`.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.privileges

hold contains {
	"code": "PRIVILEGE",
	"reason": "an operator looks at what runs with other rights",
	"hint": "try it without",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"privilege_change", "permissions_opened", "account_change"}
}

hold contains {
	"code": "CREDENTIALS",
	"reason": "an operator looks at what touches keys and passwords",
	"hint": "use the gateway, it brings its own",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"credential_read", "credential_shown", "credential_write"}
}

hold contains {
	"code": "SYSTEM",
	"reason": "an operator looks at what changes the system",
	"hint": "ask an operator to do it",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"service_change", "system_write"}
}

hold contains {
	"code": "DISCOVERY",
	"reason": "an operator looks at what lists accounts, processes and settings of the system",
	"hint": "look at your own files",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"system_discovery"}
}

hold contains {
	"code": "INSTALLS",
	"reason": "an operator looks at packages that run code when they are installed",
	"hint": "use what is in the lock file",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"installs_packages"}
}

hold contains {
	"code": "VARIABLES",
	"reason": "an operator looks at variables that change what programs run, and at names and spellings that hide it",
	"hint": "call the program by its name",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"execution_variable", "odd_path", "obfuscated"}
}
