package policies.p

deny contains {"code": "A", "reason": 7} if input.resource.name == "orders"
