package policies.p

deny contains {"code": "A", "reason": "no"} {
	input.resource.name == "orders"
}
