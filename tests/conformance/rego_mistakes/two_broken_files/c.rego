package policies.r

deny contains {"code": "A", "reason": "no"} if http.send({})
