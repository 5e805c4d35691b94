"""The Model Context Protocol over Streamable HTTP: every message of a client judged, every message of a server looked at."""
