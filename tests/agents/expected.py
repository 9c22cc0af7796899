"""How each play is known to end, agent by agent: the rows of the table in docs/agents.md, in its order."""

from collections.abc import Mapping

from chant_tasks.config.schema import AGENTS
from tests.agents.scenarios import CANNOT, TRYING

COMMITTED = "a commit"
RESUMED = "gone on from"
STOPPED = "stopped in a tool, gone on from"

_NO_TOOLS = f"{CANNOT}has no tools"
_NO_LIMIT = f"{CANNOT}has none"
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
    "429": everyone("postponed: rate limit", opencode=TRYING, qwen=TRYING, aider=TRYING),
    "429 with a time": everyone(
        "postponed: usage limit until its end",
        copilot="postponed: rate limit until its end",
        opencode=TRYING,
        qwen=TRYING,
        aider=TRYING,
    ),
    "529": everyone("postponed: overloaded", opencode=TRYING, qwen=TRYING, aider=TRYING),
    "the answer breaks off": everyone("postponed: network", opencode=TRYING, aider=TRYING),
    "nobody is there": everyone("postponed: network", opencode=TRYING, aider=TRYING),
    "a limit of turns": everyone(
        "gave up: unknown", codex=_NO_LIMIT, opencode=_NO_LIMIT, copilot=_NO_LIMIT, aider=_NO_LIMIT
    ),
    "two at once": everyone(
        "both finished",
        claude="both finished, one system prompt with the rules",
        codex="both finished, one system prompt",
        qwen="both finished, one system prompt with the rules",
        aider="both finished, one system prompt",
    ),
    "leftovers": everyone("finished, nothing left", aider=_NO_TOOLS),
    RESUMED: everyone("finished", aider=_NO_SESSIONS),
    STOPPED: everyone("stopped, finished", aider=_NO_SESSIONS),
}
