package policies.p

deny contains {"code": "A", "reason": "no"} if {
	input.command.protocol == "postgres"
	input.resource.labels.environment == "prod"
}
