package policies.p

deny contains {"code": "A", "reason": "no"} if {
	some op in input.command.operations
	op.knd == "drop_table"
}
