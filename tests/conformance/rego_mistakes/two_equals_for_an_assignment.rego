package policies.p

limit_of == 5

deny contains {"code": "A", "reason": "no"} if input.resource.name == "orders"
