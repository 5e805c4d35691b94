"""Faces for callers who already speak to a policy engine: OPA's REST API and AuthZEN, over the same gate as everything else."""
