package policies.p

deny(name) if name == "orders"
