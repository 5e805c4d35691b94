package policies.p

deny contains {"code": "A", "reason": "no"} if {
	input.command.protocol == "postgres"
	_ := input.resource.name
}
