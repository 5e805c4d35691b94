package policies.p

deny contains {"code": "A", "reason": "no"} if opa.runtime().env.HOME == input.resource.name
