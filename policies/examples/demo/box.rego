# METADATA
# title: The demonstration's machine over SSH, one rule for each verdict
# description: |
#   `sallyport demo --all` runs with this. It speaks of the resource `box` only, a machine with one file of people. Short on purpose:
#   policies/shell and policies/ssh are what a real machine wants.
package policies.examples.demo_box

# allow: data readers may run what only looks.
allow contains {"code": "LOOK", "reason": "data readers may look"} if {
	input.resource.name == "box"
	"data-readers" in input.principal.groups
	input.command.complete == true
	every op in input.command.operations {
		op.effect in {"read", "session"}
	}
}

# mask: mail addresses do not show.
mask contains {"code": "MAIL", "reason": "mail addresses are hidden", "method": "redact", "values": ["pii.email"]} if {
	input.resource.name == "box"
	some op in input.command.operations
	some target in op.targets
	endswith(target.name, "people.csv")
}

# hold: a new file waits until somebody of the group dba has looked at it.
hold contains {
	"code": "NEW_FILE",
	"reason": "somebody looks before a file is made",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.resource.name == "box"
	"developers" in input.principal.groups
	input.command.complete == true
	every op in input.command.operations {
		op.effect == "create"
	}
}

# deny: nothing is removed, whoever asks.
deny contains {"code": "REMOVES", "reason": "nothing is removed here", "hint": "move it aside"} if {
	input.resource.name == "box"
	some op in input.command.operations
	op.effect == "delete"
}
