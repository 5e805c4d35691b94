# METADATA
# title: What an SSH client asks for besides commands
# description: |
#   SFTP is open (its operations are judged one by one); connections through a target wait for `operators`; the rest is refused.
#   Speaks of the group `developers`.
package policies.ssh.requests

allow contains {"code": "SFTP", "reason": "files may be asked for; each operation is judged by itself"} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind == "subsystem"
	op.targets[0].name == "sftp"
}

hold contains {
	"code": "CONNECT",
	"reason": "an operator looks at connections through a target",
	"hint": "name the target itself, if it is a resource of its own",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind == "connect"
}

deny contains {
	"code": "NOT_CARRIED",
	"reason": "shells without a terminal, agents, displays, tunnels, sockets and listeners are not for clients",
	"hint": "run one command at a time",
} if {
	input.command.protocol == "ssh"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind in {
		"connect_socket", "forward_agent", "forward_display", "interactive_shell", "listen", "listen_socket", "tunnel",
		"unknown",
	}
}
