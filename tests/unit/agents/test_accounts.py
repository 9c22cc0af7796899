"""Which account an agent works on, and how long one rests."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.agents.accounts import (
    Rest,
    Standing,
    Turn,
    choose_account,
    find_account_provider,
    find_accounts,
    parse_rest,
    plan_account_config,
    plan_rest,
    render_rest,
    render_wait,
)
from chant_tasks.agents.contract import ErrorClass, Postponed
from chant_tasks.config import Account, Config, Defaults, Parallel, Pauses, Rotation
from chant_tasks.errors import AgentError
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
A, B, C = Account(name="a"), Account(name="b"), Account(name="c", weight=3)
LIMIT = Rest(until=NOW + timedelta(hours=3), error=ErrorClass.USAGE_LIMIT)
SLOW = Rest(until=NOW + timedelta(seconds=30), error=ErrorClass.OVERLOADED)
PAUSES = Pauses(pause=900.0, longest_pause=3600.0, backoff=30.0, tries=5)
REFUSED = Postponed("You've hit your limit", ErrorClass.USAGE_LIMIT)


def turn(rotation: Rotation = Rotation.NONE, own: str | None = None, draw: float = 0.0) -> Turn:
    return Turn(rotation=rotation, now=NOW, own=own, draw=draw)


def standings(**given: Standing) -> dict[str, Standing]:
    return {name: given.get(name, Standing()) for name in "abc"}


def spec(frontmatter: str) -> Spec:
    found = parse_spec(SpecId("one"), Path("one.md"), f"---\nstatus: pending\n{frontmatter}\n---\n# One\n".encode())
    assert found is not None
    return found


def nothing_is_there(_command: str) -> None:
    return None


def test_without_a_strategy_the_first_that_is_free_is_taken() -> None:
    found = standings(a=Standing(is_full=True), b=Standing(working=5))

    assert choose_account((A, B, C), found, turn()) is B


def test_one_that_rests_is_left_out_until_its_rest_is_over() -> None:
    found = standings(a=Standing(rest=LIMIT))
    later = Turn(rotation=Rotation.NONE, now=LIMIT.until)

    assert choose_account((A, B), found, turn()) is B
    assert choose_account((A, B), found, later) is A


def test_where_all_rest_or_are_busy_there_is_none() -> None:
    found = standings(a=Standing(rest=LIMIT), b=Standing(is_full=True))

    assert choose_account((A, B), found, turn()) is None
    assert render_wait((A, B), found, turn()) == "waits for a until 15:00 (usage limit), or for b to be free"


def test_least_loaded_reckons_with_weights() -> None:
    found = standings(a=Standing(working=1), b=Standing(working=1), c=Standing(working=2))

    assert choose_account((A, B, C), found, turn(Rotation.LEAST_LOADED)) is C


def test_round_robin_gives_each_its_weight() -> None:
    started = Counter[str]()
    for _ in range(50):
        found = {name: Standing(started=started[name]) for name in "abc"}
        chosen = choose_account((A, B, C), found, turn(Rotation.ROUND_ROBIN))
        assert chosen is not None
        started[chosen.name] += 1

    assert started == {"a": 10, "b": 10, "c": 30}


@given(st.floats(min_value=0.0, max_value=1.0, exclude_max=True))
def test_any_draw_finds_an_account(draw: float) -> None:
    chosen = choose_account((A, B, C), standings(), turn(Rotation.RANDOM, draw=draw))

    assert chosen is (A if draw < 0.2 else B if draw < 0.4 else C)


def test_an_agents_own_account_goes_first() -> None:
    assert choose_account((A, B), standings(), turn(own="b")) is B


def test_an_error_of_the_service_is_waited_for_where_the_session_is() -> None:
    found = standings(b=Standing(rest=SLOW))

    assert choose_account((A, B), found, turn(own="b")) is None
    assert render_wait((A, B), found, turn(own="b")) == "waits for b until 12:00:30 (overloaded)"


def test_from_a_used_up_account_the_agent_goes_to_another() -> None:
    assert choose_account((A, B), standings(b=Standing(rest=LIMIT)), turn(own="b")) is A


def test_the_only_account_needs_no_name_in_the_story() -> None:
    only = {"": Standing(rest=Rest(until=NOW + timedelta(days=2), error=ErrorClass.USAGE_LIMIT))}

    assert render_wait((Account(name=""),), only, turn()) == "waits until 2026-01-03 12:00 (usage limit)"


def test_a_rest_lasts_until_the_time_that_was_said() -> None:
    until = NOW + timedelta(hours=5)

    rest = plan_rest(None, Postponed("limit", ErrorClass.USAGE_LIMIT, until), PAUSES, NOW)

    assert rest == Rest(until=until, error=ErrorClass.USAGE_LIMIT)


def test_where_nobody_said_until_when_rests_grow_up_to_the_longest() -> None:
    now, rest, minutes = NOW, None, []
    for _ in range(5):
        rest = plan_rest(rest, REFUSED, PAUSES, now)
        minutes.append((rest.until - now).total_seconds() / 60)
        now = rest.until

    assert minutes == [15, 30, 60, 60, 60]


def test_a_time_that_is_over_is_no_time_to_wait_for() -> None:
    past = Postponed("limit", ErrorClass.USAGE_LIMIT, NOW - timedelta(hours=1))

    assert plan_rest(None, past, PAUSES, NOW).until == NOW + timedelta(minutes=15)


def test_agents_that_are_refused_together_count_once_and_the_later_end_holds() -> None:
    first = plan_rest(None, Postponed("limit", ErrorClass.USAGE_LIMIT, LIMIT.until), PAUSES, NOW)

    second = plan_rest(first, Postponed("busy", ErrorClass.RATE_LIMIT), PAUSES, NOW + timedelta(seconds=1))

    assert second == LIMIT


def test_a_rest_survives_the_journal() -> None:
    assert parse_rest(render_rest(LIMIT)) == LIMIT


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b'{"until": 3}', b"\xff"])
def test_a_damaged_rest_is_none(data: bytes) -> None:
    assert parse_rest(data) is None


@pytest.mark.parametrize(
    ("account", "defaults", "provider"),
    [
        (Account(name="a", provider="codex", command="claude"), Defaults(), "codex"),
        (Account(name="a", command="/opt/bin/claude-work"), Defaults(provider="codex"), "claude"),
        (Account(name="a", command="my-wrapper"), Defaults(provider="codex"), "codex"),
        (Account(name="a"), Defaults(provider="gemini"), "gemini"),
    ],
)
def test_an_accounts_provider(account: Account, defaults: Defaults, provider: str) -> None:
    config = Config(defaults=defaults)

    assert find_account_provider(account, config, lambda command: command) == provider


def test_an_account_without_any_provider_is_refused_in_a_line() -> None:
    with pytest.raises(AgentError, match="no agent found"):
        find_account_provider(A, Config(), nothing_is_there)


def test_a_spec_is_worked_by_the_accounts_of_its_provider_and_model() -> None:
    opus, sonnet = Account(name="o", provider="claude", model="opus"), Account(name="s", provider="claude", model="s")
    codex, any_model = Account(name="x", provider="codex"), Account(name="n", provider="claude")
    config = Config(parallel=Parallel(agents=(opus, sonnet, codex, any_model)))

    def names(frontmatter: str) -> str:
        return "".join(account.name for account in find_accounts(spec(frontmatter), config, nothing_is_there))

    assert names("") == "osxn"
    assert names("provider: claude") == "osn"
    assert names("provider: claude\nmodel: opus") == "o"
    assert names("provider: claude\nmodel: haiku") == "n"
    assert names("provider: codex\nmodel: gpt") == "x"
    assert names("provider: gemini") == ""
    assert names("run: make it") == ""


def test_an_account_changes_the_settings_of_its_own_provider_alone() -> None:
    config = Config(providers={"claude": {"args": ("--fast",)}, "codex": {"model": "gpt"}})
    account = Account(name="work", command="claude-work", model="opus")

    planned = plan_account_config(account, config, nothing_is_there)

    assert planned.defaults.provider == "claude"
    assert planned.providers == {
        "claude": {"args": ("--fast",), "executable": "claude-work", "model": "opus"},
        "codex": {"model": "gpt"},
    }


def test_the_command_of_an_account_of_ones_own_may_have_arguments() -> None:
    account = Account(name="mine", provider="command", command="my-agent --as 'an other'")

    planned = plan_account_config(account, Config(), nothing_is_there)

    assert planned.providers["command"]["argv"] == ("my-agent", "--as", "an other")
