"""Who is there, and what waits: asked of all processes and of NATS when somebody wants to know. Nothing is stored."""

from penstock.fleet.gathering import gathered
from penstock.fleet.presence import Presence

__all__ = ["Presence", "gathered"]
