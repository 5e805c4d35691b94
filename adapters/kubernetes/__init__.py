"""Kubernetes: a reverse proxy for the API server that judges each request, and each exec, attach and forwarded port before it is upgraded."""
