"""Telling people that somebody waits for them: `messages` writes what is told, `hooks` posts it. Sent as exports of the audit are."""
