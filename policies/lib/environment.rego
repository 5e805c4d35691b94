# METADATA
# title: Production, and what is not
# description: |
#   A resource is production unless its label says one of these words. A label that is missing or misspelt therefore
#   protects more, never less.
package policies.lib.environment

elsewhere := {"dev", "test", "staging"}

is_production if not input.resource.labels.environment in elsewhere
