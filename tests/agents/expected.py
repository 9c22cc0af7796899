"""How each play is known to end, agent by agent: the rows of the table in docs/agents.md, in its order."""

from collections.abc import Mapping

from chant_tasks.config.schema import AGENTS
from tests.agents.scenarios import CANNOT

COMMITTED = "a commit"
RESUMED = "gone on from"
STOPPED = "stopped in a tool, gone on from"

_NO_TOOLS = f"{CANNOT}has no tools"
_NO_SESSIONS = f"{CANNOT}has no sessions"


def everyone(words: str, **others: str) -> Mapping[str, str]:
    """Return the end that a play has with all agents but `others`."""
    return {agent: others.get(agent, words) for agent in AGENTS}


EXPECTED: Mapping[str, Mapping[str, str]] = {
    COMMITTED: everyone("finished"),
    "nothing is done": everyone("finished"),
    "a tool fails": everyone("finished", aider=_NO_TOOLS),
    "a tool is denied": everyone("finished, the denial told", codex="finished", gemini="finished", aider=_NO_TOOLS),
    "401": everyone("gave up: auth"),
    "429": everyone("postponed: rate limit"),
    "429 with a time": everyone("postponed: usage limit until its end"),
    "529": everyone("postponed: overloaded"),
    "the answer breaks off": everyone("postponed: network"),
    "nobody is there": everyone("postponed: network"),
    "a limit of turns": everyone(f"{CANNOT}has none", claude="gave up: unknown"),
    "two at once": everyone("both finished"),
    "leftovers": everyone("finished, nothing left", aider=_NO_TOOLS),
    RESUMED: everyone("finished", aider=_NO_SESSIONS),
    STOPPED: everyone("stopped, finished", aider=_NO_SESSIONS),
}
