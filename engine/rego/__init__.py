"""What of Rego is accepted, and what a policy's rules must answer."""
