"""Kubernetes: requests to its API and kubectl command lines, as operations."""
