"""The composition root: builds everything from the configuration, connects it, runs it. Nowhere else are things connected."""

from gateway.app.assembly import Gateway
from gateway.app.running import run

__all__ = ["Gateway", "run"]
