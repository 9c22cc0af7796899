"""`on_conflict: agent`: a spec's own agent goes on with the conflict of its finished work."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.stand_in import StandIn

A, B = "2026-01-24-001-aaa", "2026-01-24-002-bbb"
TICK = "sed -i 's/^- \\[ \\]/- [x]/' \"$CHANT_SPEC_FILE\""
LAND_OTHER = f"""\
cd "$HOME/../project" && echo theirs > shared.txt && git add shared.txt
git commit -q -m 'chant({A}): Work the other' -m 'Chant-Spec: {A}'"""
WORK = f"echo mine > shared.txt; {TICK}; git add -A; git commit -qm work; ({LAND_OTHER})"
RESOLVE = "printf 'mine\\ntheirs\\n' > shared.txt; git add -A; git commit -q --no-edit"


@pytest.fixture
def agent(tmp_path: Path) -> StandIn:
    """One spec; while its agent works, another one's work lands in the same file."""
    sandbox = Sandbox(tmp_path)
    stand_in = StandIn(sandbox)
    sandbox.repository.write("shared.txt", "start\n")
    stand_in.add_spec(B)
    stand_in.configure("on_conflict: agent")
    stand_in.plan_turn(1, run=WORK)
    sandbox.commit()
    return stand_in


def _find(sandbox: Sandbox) -> dict[str, object]:
    (found,) = json.loads(sandbox.doit("list", "--json", B).out)
    assert isinstance(found, dict)
    return found


def test_the_same_session_resolves_its_conflict_and_the_work_lands(agent: StandIn) -> None:
    agent.plan_turn(2, run=f"git status --short > $HOME/seen; cat shared.txt >> $HOME/seen; {RESOLVE}")

    done = agent.sandbox.doit("-n", "2")

    assert done.status == 0, done.text
    assert "its agent resolves the conflict (try 1 of 2): shared.txt" in done.err
    assert (agent.sandbox.root / "shared.txt").read_text() == "mine\ntheirs\n"
    assert agent.sandbox.status_of(B) == "completed"
    assert len(set(agent.sessions())) == 1
    prompt = (agent.calls()[1] / "prompt").read_text()
    assert f"spec `{A}`" in prompt
    assert "- `shared.txt`" in prompt
    seen = (agent.sandbox.root.parent / "home" / "seen").read_text()
    assert "AA shared.txt" in seen or "UU shared.txt" in seen
    assert "<<<<<<< " in seen
    assert agent.sandbox.git("for-each-ref", "refs/heads/spec") == ""
    assert agent.sandbox.worktrees() == 1
    cost = agent.sandbox.doit("spec-cost").out
    assert "$0.50" in cost, cost


def test_after_two_tries_that_leave_marks_a_person_has_to_act_and_nothing_is_lost(agent: StandIn) -> None:
    for turn in (2, 3):
        agent.plan_turn(turn, run=f"git add -A; git commit -q -m 'try {turn}'")  # no second one of the same id

    done = agent.sandbox.doit("-n", "2")

    assert done.status == 1
    found = _find(agent.sandbox)
    assert (found["state"], found["reason"]) == ("attention", "conflicts with main: shared.txt")
    assert "could not resolve it (2 tries): a conflict's marks are left in shared.txt" in done.err
    assert agent.sandbox.git("show", f"spec/{B}:shared.txt") == "mine"
    tries = agent.sandbox.git("for-each-ref", "--format=%(refname:lstrip=4)", "refs/chant/attempts").splitlines()
    assert tries == ["1-conflict-1", "1-conflict-2"]
    assert "was not accepted: a conflict's marks" in (agent.calls()[2] / "prompt").read_text()
    assert (agent.sandbox.doit("-n", "2").status, len(agent.calls())) == (1, 3)


def test_an_agent_that_fails_at_it_makes_no_further_try(agent: StandIn) -> None:
    agent.plan_turn(2, run="echo half > shared.txt", status=400)

    agent.sandbox.doit("-n", "2")

    assert _find(agent.sandbox)["state"] == "attention"
    assert len(agent.calls()) == 2
    assert agent.sandbox.git("show", f"spec/{B}:shared.txt") == "mine"


def test_without_n_it_is_resolved_in_a_worktree_all_the_same(agent: StandIn) -> None:
    land = LAND_OTHER.replace('cd "$HOME/../project"', 'git worktree add -q "$HOME/other" main && cd "$HOME/other"')
    work = f"echo mine > shared.txt; {TICK}; git add -A; git commit -qm work; ({land}); git worktree remove $HOME/other"
    agent.plan_turn(1, run=work)
    agent.plan_turn(2, run=f"pwd > $HOME/place; {RESOLVE}")

    done = agent.sandbox.doit()

    assert done.status == 0, done.text
    assert "chant-" in (agent.sandbox.root.parent / "home" / "place").read_text()
    assert (agent.sandbox.root / "shared.txt").read_text() == "mine\ntheirs\n"


def test_a_script_leaves_its_conflict_to_a_person(agent: StandIn) -> None:
    agent.sandbox.repository.add_spec(
        B, run=f"echo mine > shared.txt; ({LAND_OTHER})", frontmatter="provider: script\n"
    )
    agent.sandbox.commit()

    done = agent.sandbox.doit("-n", "2")

    assert (done.status, _find(agent.sandbox)["state"]) == (1, "attention")


def test_a_spec_may_say_otherwise_than_the_config(agent: StandIn) -> None:
    agent.sandbox.repository.add_spec(B, frontmatter="on_conflict: attention\n")
    agent.sandbox.commit()

    agent.sandbox.doit("-n", "2")

    assert (_find(agent.sandbox)["state"], len(agent.calls())) == ("attention", 1)


def test_a_doit_that_is_killed_meanwhile_loses_nothing_and_the_next_one_goes_on(agent: StandIn) -> None:
    agent.plan_turn(2, run="echo half > shared.txt; touch $HOME/begun; sleep 600")
    agent.plan_turn(3, run=RESOLVE)
    begun = agent.sandbox.root.parent / "home" / "begun"
    killed = agent.sandbox.start("-n", "2")
    while not begun.exists():
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    os.kill(killed.pid, 9)
    killed.communicate()

    done = agent.sandbox.doit("-n", "2")

    assert done.status == 0, done.text
    assert (agent.sandbox.root / "shared.txt").read_text() == "mine\ntheirs\n"
    kept = agent.sandbox.git("for-each-ref", "--format=%(refname)", "refs/chant/attempts").splitlines()
    assert [agent.sandbox.git("show", f"{ref}:shared.txt") for ref in kept] == ["half"]
    assert len(agent.calls()) == 3


def test_the_conflict_of_a_restack_is_resolved_by_the_agent_of_the_work_above(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    agent = StandIn(sandbox)
    agent.configure("on_conflict: agent")
    config = sandbox.root / ".chant" / "config.md"
    stacks = "defaults: {provider: claude, branch: true, stack: true}"
    config.write_text(config.read_text().replace("defaults: {provider: claude}", stacks))
    sandbox.repository.write("shared.txt", "start\n")
    sandbox.repository.add_spec(A)
    sandbox.repository.add_spec(B, frontmatter=f"depends_on: [{A}]\n")
    for turn, word in ((1, "below"), (2, "mine")):
        agent.plan_turn(turn, run=f"echo {word} > shared.txt; {TICK}; git add -A; git commit -qm work")
    agent.plan_turn(3, run="git add -A; git commit -q --no-edit")  # with the marks in it
    agent.plan_turn(4, run=RESOLVE)
    sandbox.commit()
    assert sandbox.doit("-n", "2").status == 0
    finished = sandbox.git("rev-parse", f"chant/{B}")
    amend = f"git switch -q chant/{A} && echo theirs > shared.txt && git commit -qa --amend --no-edit"
    assert sandbox.repository.shell(f"{amend} && git switch -q main").status == 0

    moved = sandbox.doit("spec-restack")
    before = _find(sandbox)
    done = sandbox.doit("-n", "2")

    reason = f"conflicts with chant/{A}: shared.txt"
    assert (moved.status, moved.out.splitlines()[0]) == (1, f"○ {B}  {reason}; its agent is to resolve that")
    assert (before["state"], before["reason"]) == ("ready", f"{reason}; its agent is to resolve that")
    assert done.status == 0, done.text
    assert f"`chant/{A}` is being merged into your branch `chant/{B}`" in (agent.calls()[2] / "prompt").read_text()
    assert "was not accepted: a conflict's marks" in (agent.calls()[3] / "prompt").read_text()
    after = _find(sandbox)
    assert after["reason"] == f"completed on branch chant/{B}, not merged; stacked on aaa"
    assert sandbox.git("show", f"chant/{B}:shared.txt") == "mine\ntheirs"
    assert sandbox.git("merge-base", f"chant/{A}", f"chant/{B}") == sandbox.git("rev-parse", f"chant/{A}")
    assert sandbox.git("merge-base", finished, f"chant/{B}") == finished
    assert "nothing to restack" in sandbox.doit("spec-restack").err
    assert sandbox.worktrees() == 1
