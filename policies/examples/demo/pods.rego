# METADATA
# title: The demonstration's cluster, one rule for each verdict
# description: |
#   `sallyport demo --all` runs with this where a cluster was built. It speaks of the resource `pods` only. Short on purpose:
#   policies/kubernetes is what a real cluster wants.
package policies.examples.demo_pods

# allow: whoever has a role may read.
allow contains {"code": "READ", "reason": "reading is open"} if {
	input.resource.name == "pods"
	some group in input.principal.groups
	group in {"data-readers", "developers"}
	input.command.complete == true
	every op in input.command.operations {
		op.effect == "read"
	}
}

# mask: values of secrets do not show.
mask contains {"code": "VALUES", "reason": "values of secrets are hidden", "method": "redact", "paths": ["$.data.*"]} if {
	input.resource.name == "pods"
	some op in input.command.operations
	some target in op.targets
	contains(target.name, "secrets/")
}

# A guarded shell, and in it what only looks.
allow contains {"code": "GUARDED", "reason": "each line is judged by itself"} if {
	input.resource.name == "pods"
	some op in input.command.operations
	op.kind == "guarded_shell"
}

# hold: what runs in a container waits until somebody of the group dba has looked at it.
hold contains {
	"code": "REACHES_IN",
	"reason": "somebody looks at what runs in a container",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.resource.name == "pods"
	input.command.complete == true
	some op in input.command.operations
	op.kind == "exec"
}

# deny: nothing is deleted, whoever asks.
deny contains {"code": "DELETES", "reason": "nothing is deleted here", "hint": "scale it to nothing"} if {
	input.resource.name == "pods"
	some op in input.command.operations
	op.effect == "delete"
}
