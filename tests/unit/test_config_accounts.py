"""What the config may say of accounts, limits, budgets and attempts."""

from pathlib import Path

import pytest

from chant_tasks.config import Account, Budget, Config, Parallel, Pauses, Rotation, load_config
from chant_tasks.config.render import render_config
from tests.unit.test_config import complaints, load


def test_accounts_are_read_as_chant_writes_them(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
defaults: {rotation_strategy: round_robin}
parallel:
  agents:
    - {name: main, command: claude, max_concurrent: 2, weight: 1}
    - name: work
      command: claude-work
      provider: claude
      model: opus
      weight: 3
      env: {CLAUDE_CONFIG_DIR: ~/.work, N: 1}
    - {name: any}
""",
    )

    assert config.parallel.agents == (
        Account(name="main", command="claude", max_concurrent=2),
        Account(
            name="work",
            command="claude-work",
            provider="claude",
            model="opus",
            weight=3,
            env={"CLAUDE_CONFIG_DIR": "~/.work", "N": "1"},
        ),
        Account(name="any"),
    )
    assert config.defaults.rotation_strategy is Rotation.ROUND_ROBIN
    assert config.unused == ()


def test_limits_budget_and_attempts_are_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
limits: {pause: 5m, longest_pause: 2h, backoff: 0.5, tries: 0}
budget: {usd: 12.5, tokens: 2.5M, per_spec_usd: $2}
attempts: 5
""",
    )

    assert config.limits == Pauses(pause=300.0, longest_pause=7200.0, backoff=0.5, tries=0)
    assert config.budget == Budget(usd=12.5, tokens=2_500_000, per_spec_usd=2.0)
    assert config.attempts == 5


def test_attempts_may_be_without_limit(tmp_path: Path) -> None:
    assert load(tmp_path, "attempts: none").attempts is None


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("parallel: {agents: claude}", "`parallel.agents` must be a list of accounts, each with a name, not `claude`"),
        ("parallel: {agents: [claude]}", "must be a list of accounts, each with a name, not of `claude`"),
        ("parallel: {agents: [{name: a}, {name: a}]}", "`parallel.agents` has two accounts named `a`"),
        (
            "parallel: {agents: [{nmae: a}]}",
            "has `nmae`, which is none of name, command, provider, model, max_concurrent, weight, env"
            " (did you mean `name`?)",
        ),
        (
            "parallel: {agents: [{max_concurrent: 0}]}",
            "has an account whose `max_concurrent` must be a whole number from 1 on, not `0`",
        ),
        ("parallel: {agents: [{weight: 99999999999999}]}", "whose `weight` must be at most 1000000, not `9"),
        ("parallel: {agents: [{env: [A]}]}", "whose `env` must be variables with their values, not a list"),
        ("parallel: {agents: [{env: {A B: c}}]}", "whose `env` holds `A B`, which is no variable's name"),
        ("parallel: {rotation_strategy: none}", "(did you mean `defaults.rotation_strategy`?)"),
        (
            "defaults: {rotation_strategy: round}",
            "`defaults.rotation_strategy` must be one of none, random, round-robin, least-loaded, not `round`",
        ),
        ("budget: {usd: much}", "`budget.usd` must be dollars such as 5 or 0.50, not `much`"),
        ("budget: {usd: -1}", "`budget.usd` must be dollars such as 5 or 0.50, not `-1`"),
        ("budget: {tokens: 2G}", "`budget.tokens` must be a number of tokens such as 2000000, 500k or 2M, not `2G`"),
        ("budget: 5", "`budget` must be a section with keys below it, not `5`"),
        ("attempts: 0", "`attempts` must be a whole number from 1 on or none, not `0`"),
        ("limits: {pause: none}", "`limits.pause` must be a time such as 30s, 15m or 1h30m, not `none`"),
        ("limits: {tries: none}", "`limits.tries` must be a whole number from 0 on, not `none`"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, settings: str, complaint: str) -> None:
    assert complaint in complaints(tmp_path, settings)


def test_accounts_of_one_person_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    load(tmp_path, "parallel: {stagger_delay_ms: 5, agents: [{name: main}]}\nbudget: {usd: 5}")
    (tmp_path / ".chant" / "agents.md").write_text(
        "---\nparallel: {stagger_delay_ms: 9, agents: [{name: mine}]}\nbudget: {usd: 900}\n---\n"
    )

    config = load_config(tmp_path / ".chant", tmp_path / "home")

    assert config.parallel == Parallel(stagger_delay_ms=5, agents=(Account(name="mine"),))
    assert config.budget == Budget(usd=5.0)
    assert config.unused == ("parallel.stagger_delay_ms", "budget.usd")


def test_a_value_of_an_accounts_variables_is_not_shown() -> None:
    account = Account(name="work", model="opus", max_concurrent=2, env={"SOME_API_KEY": "very-secret"})

    shown = render_config(Config(parallel=Parallel(agents=(account,))))

    assert "parallel.agents: work        opus, at most 2 at once, SOME_API_KEY\n" in shown
    assert "very-secret" not in shown
