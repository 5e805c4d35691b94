package policies.p

deny contains {"code": "A", "reason": "no"} if f(1, 2, 3, 4, 5, 6, 7, 8, 9)

f(a, b, c, d, e, g, h, i, j) if input.resource.name == "orders"
