package policies.p

hold contains {"code": "A", "approvers": {"groups": ["dba"]}} if {
	some op in input.command.operations
	some target in op.targets
	target.schema == "billing"
}
