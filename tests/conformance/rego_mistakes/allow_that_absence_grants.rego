package policies.p

allow contains {"code": "READ", "reason": "reading"} if {
	input.command.protocol == "postgres"
	not startswith(input.resource.labels.environment, "prod")
}

allow contains {"code": "DEV", "reason": "reading"} if {
	input.command.protocol == "postgres"
	input.resource.labels.environment
	not startswith(input.resource.labels.environment, "prod")
	quiet
}

quiet if {
	every op in input.command.operations {
		not startswith(op.kubernetes.namespace, "kube-")
	}
}
