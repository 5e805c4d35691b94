package policies.p

deny contains {"code": "NOT THIS"} if input.resource.name == "orders"
