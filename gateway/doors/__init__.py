"""Who comes in: `adapters` lets clients of listeners in and speaks to the gate for them, `services` does so for gRPC."""
