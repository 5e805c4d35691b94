# METADATA
# title: The demonstration's policy, one rule for each verdict
# description: |
#   `sallyport demo` runs with this. It speaks of the resource `shop` only. Short on purpose: policies/postgres is what a real
#   database wants.
package policies.examples.demo

# allow: data readers may run what only reads.
allow contains {"code": "READ", "reason": "data readers may read"} if {
	input.resource.name == "shop"
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
	"columns": ["shop.cards.card_number"],
	"method": "partial",
	"params": {"keep_last": 4},
} if {
	input.resource.name == "shop"
	not "pii-readers" in input.principal.groups
}

# hold: a change of single rows waits until somebody of the group dba has looked at it.
hold contains {
	"code": "PROD_WRITE",
	"reason": "a DBA looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.resource.name == "shop"
	"developers" in input.principal.groups
	input.command.complete == true
	some changing in input.command.operations
	changing.kind in {"insert", "update", "delete"}
	every op in input.command.operations {
		op.kind in {"select", "insert", "update", "delete"}
	}
}

# deny: a change without WHERE is refused, whoever asks.
deny contains {
	"code": "WITHOUT_WHERE",
	"reason": "this has no WHERE and would touch every row of the table",
	"hint": "say which rows you mean",
} if {
	input.resource.name == "shop"
	some op in input.command.operations
	op.kind in {"update", "delete"}
	not op.has_where == true
}

# deny: what drops or empties tables goes through migrations.
deny contains {
	"code": "DESTRUCTIVE",
	"reason": "dropping and truncating go through migrations",
	"hint": "ask a DBA",
} if {
	input.resource.name == "shop"
	some op in input.command.operations
	op.effect == "delete"
	op.kind in {"drop_column", "drop_schema", "drop_table", "truncate"}
}
