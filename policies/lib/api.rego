# METADATA
# title: What requests to an API are
# description: |
#   A whole request at a time: was it understood, does it read, does it delete, by its method or by its name?
package policies.lib.api

has_role if {
	some group in input.principal.groups
	group in {"viewers", "developers", "sre"}
}

may_change if {
	some group in input.principal.groups
	group in {"developers", "sre"}
}

understood if {
	input.command.complete == true
	count(input.command.problems) == 0
	count(input.command.operations) > 0
}

only_reads if {
	understood
	not deletes
	every op in input.command.operations {
		op.effect == "read"
	}
}

only_reads_or_writes if {
	understood
	every op in input.command.operations {
		op.effect in {"read", "write", "create"}
	}
}

deletes if {
	some op in input.command.operations
	op.effect == "delete"
}

deletes if {
	some feature in input.command.features
	feature in {"names_deletion", "patch_removes"}
}

reads_writes_or_deletes if {
	understood
	every op in input.command.operations {
		op.effect in {"read", "write", "create", "delete"}
	}
}
