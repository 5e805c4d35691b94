# METADATA
# title: Shells, data and code that go over connections
# description: |
#   Refuses reverse shells, download-and-run and exfiltration; what runs elsewhere waits for `operators`.
#   Speaks of the group `developers`. Signs and kinds: docs/commands.md.
package policies.shell.connections

deny contains {
	"code": "REVERSE_SHELL",
	"reason": "this hands a shell to a connection",
	"hint": "use the bastion",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"reverse_shell", "network_redirect"}
}

deny contains {
	"code": "DOWNLOAD_AND_RUN",
	"reason": "this runs what it fetches",
	"hint": "fetch it, read it, then run the file",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"download_and_run"}
}

deny contains {
	"code": "EXFILTRATION",
	"reason": "this sends files or secrets away",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"exfiltration"}
}

hold contains {
	"code": "REMOTE",
	"reason": "an operator looks at what runs elsewhere, listens, sends or does not check the server",
	"hint": "work on this machine",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"remote_run", "listens", "sends_data", "unverified_server"}
}
