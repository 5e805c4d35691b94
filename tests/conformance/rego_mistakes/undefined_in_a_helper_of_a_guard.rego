package policies.p

deny contains {"code": "A", "reason": "no"} if is_production

is_production if input.resource.labels.environment == "prod"
