package policies.p

deny[{"code": "A", "reason": "no"}] {
	input.resource.name == "orders"
}
