package policies.p

mask contains {"code": "A", "columns": ["a.b.c"], "method": "partial", "params": {"keep_last": 4}} if input.resource.name == "orders"

mask contains {"code": "B", "columns": ["x.y.z", "a.b.c"], "method": "partial", "params": {"keep_last": 2}} if input.resource.name == "orders"
