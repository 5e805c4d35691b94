package policies.p

hold contains {"code": "A", "approvers": {"groups": []}} if input.resource.name == "orders"
