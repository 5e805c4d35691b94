package policies.p

input := {"resource": {"name": "orders"}}

deny contains {"code": "A", "reason": "no"} if input.resource.name == "orders"
