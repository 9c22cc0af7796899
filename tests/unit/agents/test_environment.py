"""What an agent finds in its environment."""

from pathlib import Path

from chant_tasks.agents.environment import Identity, Known, plan_environment
from chant_tasks.spec.model import SpecId


def plan(base: dict[str, str], model: str | None = "sonnet") -> dict[str, str]:
    known = Known(
        spec_id=SpecId("001"),
        spec_file=Path("/tree/.chant/specs/001.md"),
        worktree=Path("/tree"),
        branch="spec/001",
        prompt_file=Path("/journal/prompt.md"),
        model=model,
    )
    return plan_environment(base, known, Identity("Ann", "ann@example.org"))


def test_an_agent_finds_its_spec_and_nothing_of_another_repository() -> None:
    base = {"PATH": "/bin", "GIT_DIR": "/repo/.git", "GIT_INDEX_FILE": "/repo/.git/index", "GIT_WORK_TREE": "/repo"}

    assert plan(base) == {
        "PATH": "/bin",
        "CHANT_SPEC_ID": "001",
        "CHANT_SPEC_FILE": "/tree/.chant/specs/001.md",
        "CHANT_WORKTREE": "/tree",
        "CHANT_BRANCH": "spec/001",
        "CHANT_PROMPT_FILE": "/journal/prompt.md",
        "CHANT_MODEL": "sonnet",
        "PWD": "/tree",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "true",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
    }


def test_an_identity_and_settings_of_the_user_stay() -> None:
    base = {"GIT_AUTHOR_NAME": "Bob", "GIT_COMMITTER_EMAIL": "", "GIT_CONFIG_GLOBAL": "/c", "GIT_SSH_COMMAND": "ssh -v"}

    planned = plan(base)

    assert planned["GIT_AUTHOR_NAME"] == "Bob"
    assert planned["GIT_COMMITTER_EMAIL"] == "ann@example.org"
    assert (planned["GIT_CONFIG_GLOBAL"], planned["GIT_SSH_COMMAND"]) == ("/c", "ssh -v")


def test_no_model_is_named_where_none_is_asked_for() -> None:
    assert "CHANT_MODEL" not in plan({"CHANT_MODEL": "of another run"}, model=None)
