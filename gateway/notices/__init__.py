"""Telling people that somebody waits for them, or was denied: `picking` chooses, `words` says it, `messages`, `trackers` and `letters`
write it for a receiver, `hooks` posts it. Sent as exports of the audit are."""
