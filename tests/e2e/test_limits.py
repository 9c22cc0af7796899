"""What limits of agents' accounts do to a run: specs wait, move to another account, or go on where they were."""

import json
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import end
from tests.e2e.stand_in import StandIn
from tests.processes import wait_until

ONE, TWO, THREE = "2026-01-01-001-one", "2026-01-01-002-two", "2026-01-01-003-three"
HALF = "echo half > half.txt; git add half.txt; git commit -qm 'Do half of it'; echo rest > rest.txt"
FAST = "limits: {pause: 0.3, longest_pause: 0.5, backoff: 0.1, tries: 2}"


@pytest.fixture
def agent(sandbox: Sandbox) -> StandIn:
    """One spec, worked by a stand-in for claude."""
    made = StandIn(sandbox)
    made.configure(FAST)
    made.add_spec(ONE)
    return made


def _record(sandbox: Sandbox, spec_id: str, number: int = 1) -> dict[str, object]:
    path = sandbox.root / ".git" / "chant" / "attempts" / spec_id / str(number) / "record.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("options", [("-n", "2"), ()], ids=["in a worktree", "in place"])
def test_a_limit_is_waited_for_and_the_same_session_goes_on(agent: StandIn, options: tuple[str, ...]) -> None:
    agent.plan_turn(1, run=HALF, limit=4)
    agent.sandbox.commit()

    ran = agent.sandbox.doit(*options)

    assert ran.status == 0, ran.text
    assert re.search(r"one  agent     waits until [-\d]*? ?\d\d:\d\d(:\d\d)? \(usage limit\)\n", ran.err), ran.err
    first, second = agent.calls()
    assert agent.sessions()[0] == agent.sessions()[1]
    assert "--resume" in (second / "arguments").read_text()
    assert "- 1 of these not committed:\n  - `rest.txt`\n" in (second / "prompt").read_text()
    assert "--session-id" in (first / "arguments").read_text()
    landed = agent.sandbox.git("ls-tree", "-r", "--name-only", "main").split()
    assert {"half.txt", "rest.txt", f"{ONE}.txt"} <= set(landed)
    record = _record(agent.sandbox, ONE)
    assert (record["number"], record["ending"], record["cost_usd"]) == (1, "completed", 0.5)
    assert "1 succeeded in " in ran.err
    assert ran.err.splitlines()[-1].endswith(", $0.50")


def test_a_used_up_account_is_left_for_another_one_in_the_same_worktree(agent: StandIn) -> None:
    agent.configure(FAST, accounts=("work", "home"))
    agent.plan_turn(1, "work", run=HALF, limit=3 * 3600)
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert "agent     claude, account work, session " in ran.err
    assert "one  its agent is put off: Claude AI usage limit reached\n" in ran.err
    assert "agent     claude, account home, session " in ran.err
    assert "waits" not in ran.err
    (moved,) = agent.calls("home")
    assert "--session-id" in (moved / "arguments").read_text()
    prompt = (moved / "prompt").read_text()
    assert "## What is there already" in prompt
    assert "Do half of it`" in prompt
    assert _record(agent.sandbox, ONE)["account"] == "home"
    ledger = (agent.sandbox.root / ".git" / "chant" / "ledger.jsonl").read_text().splitlines()
    entered = [json.loads(line) for line in ledger]
    assert [(entry["account"], entry["outcome"]) for entry in entered] == [("work", "postponed"), ("home", "finished")]


def test_another_doit_keeps_to_an_accounts_rest(agent: StandIn) -> None:
    agent.configure(FAST, accounts=("work", "home"))
    agent.plan_turn(1, "work", run="true", limit=3 * 3600)
    agent.sandbox.commit()
    agent.sandbox.doit("-n", "2")
    agent.add_spec(TWO)
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert len(agent.calls("work")) == 1
    assert [(call / "spec").read_text() for call in agent.calls("home")] == [ONE, TWO]


def test_a_limit_that_does_not_say_until_when_is_tried_again_after_growing_pauses(agent: StandIn) -> None:
    for number in (1, 2, 3):
        agent.plan_turn(number, run="true", limit=None)
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert len(agent.calls()) == 4
    assert not list((agent.sandbox.root / ".git" / "chant" / "accounts").iterdir())


def test_an_error_of_the_service_is_tried_again_so_many_times_and_then_the_attempt_fails(agent: StandIn) -> None:
    for number in range(1, 9):
        agent.plan_turn(number, run="true", status=529)
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 1
    assert len(agent.calls()) == 3
    assert "the agent gave up: API Error: 529" in ran.err
    assert ran.err.count("its agent is put off: API Error: 529") == 2


def test_ctrl_c_while_waiting_ends_at_once_and_the_next_doit_goes_on_in_the_session(agent: StandIn) -> None:
    agent.plan_turn(1, run=HALF, limit=3600)
    agent.sandbox.commit()
    rest = agent.sandbox.root / ".git" / "chant" / "accounts" / "claude.json"
    with agent.sandbox.start("-n", "2") as waiting:
        wait_until(rest.exists, "the account rests")
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate()
    listed = agent.sandbox.doit("list")
    assert "1 interrupted" in err
    assert f"interrupted; the next doit goes on from refs/chant/attempts/{ONE}/1" in listed.out
    over = {"until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(), "error": "usage limit", "times": 1}
    rest.write_text(json.dumps(over))

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert len(set(agent.sessions())) == 1
    assert {"half.txt", "rest.txt"} <= set(agent.sandbox.git("ls-tree", "-r", "--name-only", "main").split())
    assert not rest.exists()


def test_an_account_has_no_more_agents_than_it_may(agent: StandIn) -> None:
    agent.configure()
    path = agent.sandbox.root / ".chant" / "config.md"
    path.write_text(path.read_text()[:-4] + "parallel: {agents: [{name: only, max_concurrent: 1}]}\n---\n")
    seen, go = agent.sandbox.outside / "at-work", agent.sandbox.outside / "go"
    wait = f"until test -e {go}; do sleep 0.05; done; sleep 0.1"
    count = f"mkdir {seen} || exit 9; {wait}; rmdir {seen}; sed -i 's/- \\[ \\]/- [x]/' \"$CHANT_SPEC_FILE\""
    for number, spec_id in enumerate((ONE, TWO, THREE), 1):
        agent.add_spec(spec_id)
        agent.plan_turn(number, run=f"{count}; echo {spec_id} > {spec_id}.txt")
    agent.sandbox.commit()

    started = agent.sandbox.start("-n", "3")
    assert started.stderr is not None
    assert any("agent     waits for only to be free" in line for line in started.stderr)  # up to there it is read
    go.touch()
    ran = end(started)

    assert ran.status == 0, ran.text


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [("none", (4, 0)), ("round-robin", (2, 2)), ("least-loaded", (4, 0))],
)
def test_agents_one_after_the_other_are_shared_out_as_the_strategy_says(
    agent: StandIn, strategy: str, shares: tuple[int, int]
) -> None:
    agent.configure(accounts=("work", "home"))
    path = agent.sandbox.root / ".chant" / "config.md"
    path.write_text(path.read_text().replace("provider: claude}", f"provider: claude, rotation_strategy: {strategy}}}"))
    for number in (2, 3, 4):
        agent.add_spec(f"2026-01-01-00{number}-next")
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "1")

    assert ran.status == 0, ran.text
    assert (len(agent.calls("work")), len(agent.calls("home"))) == shares


def test_an_account_whose_agent_is_not_there_is_named_and_left_out(agent: StandIn) -> None:
    agent.configure()
    path = agent.sandbox.root / ".chant" / "config.md"
    path.write_text(
        path.read_text()[:-4] + "parallel: {agents: [{name: lost, command: claude-lost}, {name: main}]}\n---\n"
    )
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "2")

    assert ran.status == 0, ran.text
    assert "the account lost is not used: claude-lost is not on PATH\n" in ran.err
    assert "agent     claude, account main" in ran.err


def test_a_spec_that_waits_lends_its_place_and_none_begins_that_would_have_to_wait(agent: StandIn) -> None:
    agent.configure("limits: {pause: 4}")
    agent.plan_turn(1, run="true", limit=None)
    agent.add_spec(TWO)
    agent.sandbox.repository.add_spec(THREE, "Work", frontmatter="provider: script\n", run="echo x > x.txt")
    agent.sandbox.commit()

    ran = agent.sandbox.doit("-n", "1")

    assert ran.status == 0, ran.text
    story = [line[10:] for line in ran.err.splitlines()]
    waits, aside, begins, lands, goes_on, second = (
        next(index for index, line in enumerate(story) if line.startswith(words))
        for words in (
            "one    agent     waits until ",
            "two    waits until ",
            "three  worktree",
            f"three  ✓ Finalized {THREE}",
            f"one    ✓ Finalized {ONE}",
            "two    worktree",
        )
    )
    assert waits < begins < lands < goes_on
    assert aside < second
    assert lands < second
    assert len(agent.calls()) == 3
