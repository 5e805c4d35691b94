# METADATA
# title: The demonstration's HTTP API, one rule for each verdict
# description: |
#   `sallyport demo --all` runs with this. It speaks of the resource `api` only: orders and cards as JSON. Short on purpose: policies/http is
#   what a real API wants.
package policies.examples.demo_api

# allow: data readers may read.
allow contains {"code": "READ", "reason": "data readers may read"} if {
	input.resource.name == "api"
	"data-readers" in input.principal.groups
	input.command.complete == true
	every op in input.command.operations {
		op.effect == "read"
	}
}

# mask: card numbers come back with their last four digits only.
mask contains {
	"code": "CARD_NUMBER",
	"reason": "card numbers show their last four digits",
	"method": "partial",
	"params": {"keep_last": 4},
	"paths": ["$[*].card_number"],
} if {
	input.resource.name == "api"
	some op in input.command.operations
	some target in op.targets
	endswith(target.name, "/cards")
}

# hold: a change waits until somebody of the group dba has looked at it.
hold contains {
	"code": "CHANGE",
	"reason": "a DBA looks at every change in production",
	"hint": "keep the connection open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.resource.name == "api"
	"developers" in input.principal.groups
	input.command.complete == true
	every op in input.command.operations {
		op.effect == "write"
	}
}

# deny: nothing is deleted, whoever asks.
deny contains {"code": "DELETES", "reason": "nothing is deleted here", "hint": "set its status to cancelled"} if {
	input.resource.name == "api"
	some op in input.command.operations
	op.effect == "delete"
}
