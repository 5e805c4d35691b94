package policies.p

deny contains {"code": "A", "reason": "no"} if http.send({"method": "get", "url": input.resource.name}).status_code == 200
