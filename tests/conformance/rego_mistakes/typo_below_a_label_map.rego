package policies.p

deny contains {"code": "A", "reason": "no"} if {
	input.resource.name == "orders"
	not input.resource.lables.environment == "dev"
}
