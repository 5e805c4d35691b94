package policies.p

deny contains {"code": "A", "raeson": "no"} if input.resource.name == "orders"
