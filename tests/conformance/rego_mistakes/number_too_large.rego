package policies.p

deny contains {"code": "A", "reason": "no"} if input.context.hour > 1e400
