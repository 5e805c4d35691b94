"""One client's connection as a pure machine: events in, effects out. `conversation` is the machine."""

from adapters.http.session.conversation import HttpSession
from adapters.http.session.settings import Settings

__all__ = ["HttpSession", "Settings"]
