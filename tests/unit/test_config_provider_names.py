"""What is told of agents by their names alone is what looking for them would tell."""

from collections.abc import Callable

import pytest

from chant_tasks.agents.registry import PROVIDERS, find_provider
from chant_tasks.config import Account, Config, Parallel
from chant_tasks.config.provider_names import INSTALL, is_surely_here
from chant_tasks.errors import AgentError

NAMES = (None, *PROVIDERS, "nobody")


def on_path(*commands: str) -> Callable[[str], str | None]:
    return lambda name: f"/bin/{name}" if name in (*commands, "sh") else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("there", [(), *((known,) for known in INSTALL), ("nobody", "other")])
def test_an_agent_that_is_surely_here_is_found(name: str | None, there: tuple[str, ...]) -> None:
    is_here = is_surely_here(name, Config(), on_path(*there))
    try:
        find_provider(name, Config(), on_path(*there))
    except AgentError:
        assert not is_here
    else:
        assert is_here


@pytest.mark.parametrize(
    "config",
    [
        Config(providers={"claude": {"executable": "other"}}),
        Config(parallel=Parallel(agents=(Account(name="work", command="claude-work"),))),
    ],
)
def test_settings_leave_it_to_the_agents(config: Config) -> None:
    assert not is_surely_here("claude", config, on_path("claude"))
    assert is_surely_here("script", config, on_path())
