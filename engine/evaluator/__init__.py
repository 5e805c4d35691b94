"""From a compiled set of policies and a request to one decision."""
