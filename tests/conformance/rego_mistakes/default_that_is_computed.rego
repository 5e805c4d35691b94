package policies.p

default limit_of := input.resource.name

deny contains {"code": "A", "reason": "no"} if limit_of == "orders"
