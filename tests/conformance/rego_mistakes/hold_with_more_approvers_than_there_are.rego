package policies.p

hold contains {"code": "A", "approvers": {"users": ["bo"], "quorum": 2}} if input.resource.name == "orders"
