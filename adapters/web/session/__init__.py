"""One client's connection as a pure machine: events in, effects out. `conversation` is the machine, `manners` what a protocol adds."""

from adapters.web.session.conversation import Conversation
from adapters.web.session.settings import Settings

__all__ = ["Conversation", "Settings"]
