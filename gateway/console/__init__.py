"""The pages for people: holds to decide about, decisions and why, sessions, policies, the audit, health.

Server-rendered, no build step, nothing from elsewhere; everything works without a script. `server` has the sockets and the
rules of HTTP, one file a page says what is on it, `templates` and `static` how it looks. Built by `gateway.app`.
"""
