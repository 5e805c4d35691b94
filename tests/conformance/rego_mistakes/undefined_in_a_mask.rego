package policies.p

mask contains {"code": "A", "columns": ["a.b.c"], "method": "null"} if {
	input.command.protocol == "postgres"
	input.resource.labels["personal-data"] != "none"
}
