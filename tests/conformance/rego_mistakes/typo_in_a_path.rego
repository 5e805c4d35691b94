package policies.p

deny contains {"code": "A", "reason": "no"} if input.resorce.name == "orders"
