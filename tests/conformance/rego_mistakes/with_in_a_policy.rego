package policies.p

deny contains {"code": "A", "reason": "no"} if is_orders with input.resource.name as "orders"

is_orders if input.resource.name == "orders"
