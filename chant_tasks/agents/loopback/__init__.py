"""A service on loopback that an agent takes for its model's: scripted, small, and of the standard library only."""

from chant_tasks.agents.loopback.protocols import INPUT_TOKENS, OUTPUT_TOKENS, Drop, Refuse, Say
from chant_tasks.agents.loopback.server import Script, serve

__all__ = ["INPUT_TOKENS", "OUTPUT_TOKENS", "Drop", "Refuse", "Say", "Script", "serve"]
