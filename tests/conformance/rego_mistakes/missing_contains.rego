package policies.p

deny {"code": "A", "reason": "no"} if input.resource.name == "orders"
