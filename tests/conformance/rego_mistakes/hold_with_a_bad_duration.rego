package policies.p

hold contains {"code": "A", "approvers": {"users": ["bo"]}, "expires": "15 minutes"} if input.resource.name == "orders"
