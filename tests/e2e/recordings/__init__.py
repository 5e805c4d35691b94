"""Recordings of statements and requests: whole gateways, real targets, real clients."""
