package policies.p

hold contains {"code": "A", "reason": sprintf("on %s", [input.resource.name])} if input.resource.name == "orders"
