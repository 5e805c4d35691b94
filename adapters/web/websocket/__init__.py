"""WebSocket as it passes through: its handshake, frames, messages, what masks hide in them. Carried for `adapters.http`."""
