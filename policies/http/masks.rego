# METADATA
# title: Personal data in answers is masked
# description: |
#   Of an API with the label `personal-data: masked` everybody but `pii-readers` gets payment and identity numbers redacted and the rest of
#   people's data shortened. An answer that is no JSON cannot be masked and does not come: give other resources to such paths.
package policies.http.masks

mask contains {
	"code": "NUMBERS",
	"reason": "payment and identity numbers are hidden",
	"method": "redact",
	"paths": [
		"$..card", "$..card_number", "$..cvv", "$..iban", "$..pan", "$..passport", "$..ssn", "$..tax_id",
	],
} if {
	input.command.protocol == "http"
	input.resource.labels["personal-data"] == "masked"
	not "pii-readers" in input.principal.groups
}

mask contains {
	"code": "CONTACTS",
	"reason": "addresses and numbers of people are shortened",
	"method": "partial",
	"params": {"keep_last": 4},
	"paths": ["$..email", "$..mail", "$..mobile", "$..phone"],
} if {
	input.command.protocol == "http"
	input.resource.labels["personal-data"] == "masked"
	not "pii-readers" in input.principal.groups
}
