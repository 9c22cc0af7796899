"""How runs end: by signals, by a kill, and side by side. No work is lost, nothing is left, the next doit goes on."""

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.sandbox import Sandbox
from tests.e2e.sights import (
    TICK_ALL,
    end,
    find_leftovers,
    find_user_changes,
    lines_of,
    load_landings,
    load_seen,
    load_states,
)
from tests.processes import is_running, wait_until

SPECS = tuple(f"2026-01-01-{number:03}-sp{number}" for number in range(4))
CONFIG = "---\ntimeouts:\n  grace: 1s\n---\n"
ONE, OTHER = SPECS[:2]


def _make_patient(sandbox: Sandbox, specs: Sequence[str], deaf: Sequence[str] = ()) -> None:
    """Specs whose agents do half of their work, tell their processes, and sleep; at the second run they finish.

    Those of `deaf` do not listen to TERM.
    """
    (sandbox.root / ".chant" / "config.md").write_text(CONFIG)
    for spec_id in specs:
        told = sandbox.outside / f"pids-{spec_id}"
        script = f"""echo run >> {sandbox.outside}/count-{spec_id}
echo half > half-{spec_id}.txt
if ! test -e {sandbox.outside}/again; then
  {"trap '' TERM" if spec_id in deaf else ":"}
  sleep 300 & echo "$$ $!" > {told}.new; mv {told}.new {told}
  while :; do wait; done
fi
echo whole > {spec_id}.txt
{TICK_ALL}"""
        sandbox.add_spec(spec_id, run=script)
    sandbox.commit()


def _wait_for_agents(sandbox: Sandbox, specs: Sequence[str]) -> Sequence[int]:
    """The processes of all agents, once every one of them sleeps."""
    told = [sandbox.outside / f"pids-{spec_id}" for spec_id in specs]
    wait_until(lambda: all(path.exists() for path in told), "every agent is asleep")
    return [int(word) for path in told for word in path.read_text().split()]


def _assert_second_run_finishes(sandbox: Sandbox, specs: Sequence[str]) -> None:
    (sandbox.outside / "again").touch()

    ran = sandbox.doit("-n", "4")

    assert ran.status == 0, ran.text
    assert load_states(sandbox) == dict.fromkeys(specs, "completed")
    assert sorted(load_landings(sandbox)) == [f"chant({spec_id}): Work {spec_id}" for spec_id in specs]
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""


@pytest.mark.parametrize(
    ("number", "to_group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)],
    ids=["ctrl-c", "term", "hangup"],
)
def test_a_signal_ends_every_agent_saves_its_work_and_leaves_nothing(
    sandbox: Sandbox, number: signal.Signals, to_group: bool
) -> None:
    _make_patient(sandbox, SPECS, deaf=SPECS[:1])
    process = sandbox.start("-n", "4")
    pids = _wait_for_agents(sandbox, SPECS)

    (os.killpg if to_group else os.kill)(process.pid, number)
    ran = end(process)

    assert ran.status == 128 + number, ran.text
    assert [pid for pid in pids if is_running(pid)] == []
    assert "interrupted" in ran.err
    assert "Traceback" not in ran.text
    seen = load_seen(sandbox)
    for spec_id in SPECS:
        assert seen[spec_id].state == "ready"
        assert seen[spec_id].kept == f"refs/chant/attempts/{spec_id}/1"
        assert sandbox.git("show", f"{seen[spec_id].kept}:half-{spec_id}.txt") == "half"
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""
    _assert_second_run_finishes(sandbox, SPECS)


def test_after_a_kill_the_next_run_picks_up_and_leaves_nothing(sandbox: Sandbox) -> None:
    """The agents' keepers end them, and the next doit saves what they left."""
    _make_patient(sandbox, SPECS, deaf=SPECS[:1])
    process = sandbox.start("-n", "4")
    pids = _wait_for_agents(sandbox, SPECS)

    process.kill()
    end(process)
    listed = load_states(sandbox)
    wait_until(lambda: not any(map(is_running, pids)), "no agent outlives its doit")

    assert listed == dict.fromkeys(SPECS, "ready")
    _assert_second_run_finishes(sandbox, SPECS)
    for spec_id in SPECS:
        assert sandbox.git("show", f"refs/chant/attempts/{spec_id}/1:half-{spec_id}.txt") == "half"


def test_after_a_kill_a_doit_of_another_task_cleans_up_and_says_so_once(tmp_path: Path) -> None:
    dodo = """
from chant_tasks import task_specs

def task_other():
    return {"actions": ["echo other"]}
"""
    sandbox = Sandbox(tmp_path, dodo)
    _make_patient(sandbox, (ONE,))
    process = sandbox.start("-n", "2", "specs")
    pids = _wait_for_agents(sandbox, (ONE,))
    process.kill()
    end(process)
    wait_until(lambda: not any(map(is_running, pids)), "no agent outlives its doit")
    kept = f"refs/chant/attempts/{ONE}/1"

    other, again = sandbox.doit("other"), sandbox.doit("other")

    assert (other.status, again.status) == (0, 0), other.text
    assert [line.count(f"an earlier run stopped midway; kept at {kept}") for line in other.err.splitlines()] == [1]
    assert again.err == ""
    assert sandbox.git("show", f"{kept}:half-{ONE}.txt") == "half"
    assert find_leftovers(sandbox) == []
    assert load_states(sandbox) == {ONE: "ready"}
    assert lines_of(sandbox.outside / f"count-{ONE}") == ["run"]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows who started a process")
def test_what_outlived_both_doit_and_its_keeper_is_ended_before_its_work_is_saved(sandbox: Sandbox) -> None:
    _make_patient(sandbox, (ONE,))
    process = sandbox.start("-n", "2")
    pids = _wait_for_agents(sandbox, (ONE,))
    record = sandbox.root / f".git/chant/attempts/{ONE}/1/record.json"
    wait_until(lambda: json.loads(record.read_bytes())["agent_process"] is not None, "the journal has the keeper")

    keeper = json.loads(record.read_bytes())["agent_process"]["pid"]
    os.kill(keeper, signal.SIGSTOP)  # else it may see doit's end before its own, and end the agent
    process.kill()
    os.kill(keeper, signal.SIGKILL)
    end(process)
    outlived = [pid for pid in pids if is_running(pid)]
    _assert_second_run_finishes(sandbox, (ONE,))

    assert pids[-1] in outlived  # what the agent had started; itself it may just be ending
    assert [pid for pid in pids if is_running(pid)] == []


def test_after_a_kill_a_finished_agent_is_not_run_again(tmp_path: Path) -> None:
    """A task that runs keeps the landing waiting; there doit is killed, with the task."""
    dodo = f"""
from chant_tasks import task_specs

def task_slow():
    return {{"actions": ["touch {tmp_path}/slow; exec sleep 300"]}}
"""
    sandbox = Sandbox(tmp_path, dodo)
    counter = tmp_path / "count"
    wait = f"until test -e {tmp_path}/slow; do sleep 0.02; done"
    sandbox.add_spec(ONE, run=f"{wait}\necho run >> {counter}\necho x > x.txt\n{TICK_ALL}")
    sandbox.commit()
    record = sandbox.root / f".git/chant/attempts/{ONE}/1/record.json"
    process = sandbox.start("-n", "2")
    wait_until(lambda: record.exists() and json.loads(record.read_bytes())["phase"] == "finished", "the agent is done")

    os.killpg(process.pid, signal.SIGKILL)
    end(process)
    between = load_seen(sandbox)[ONE]
    ran = sandbox.doit("specs")

    assert between.state == "ready"
    assert ran.status == 0, ran.text
    assert lines_of(counter) == ["run"]
    assert load_states(sandbox) == {ONE: "completed"}
    assert sandbox.git("show", "main:x.txt") == "x"
    assert find_leftovers(sandbox) == []


def test_two_at_once_work_each_spec_once_and_both_end_well(sandbox: Sandbox) -> None:
    specs = tuple(f"2026-01-02-{number:03}-tw{number}" for number in range(8))
    for number, spec_id in enumerate(specs):
        needs = [f"depends_on: [{specs[number - 2]}]"] if number >= 2 else []
        count = f"echo {spec_id} >> {sandbox.outside}/count"
        sandbox.add_spec(spec_id, needs, run=f"{count}\nsleep 0.1\necho x > {spec_id}.txt\n{TICK_ALL}")
    sandbox.commit()

    processes = [sandbox.start("-n", "3") for _ in range(2)]
    ends = [end(process) for process in processes]
    third = sandbox.doit("-n", "3")

    assert [ran.status for ran in ends] == [0, 0], ends
    assert sorted(lines_of(sandbox.outside / "count")) == sorted(specs)
    assert sorted(load_landings(sandbox)) == [f"chant({spec_id}): Work {spec_id}" for spec_id in specs]
    assert (third.status, third.text) == (0, "8 up to date\n")
    assert find_leftovers(sandbox) == []


def test_two_at_once_share_a_failure_but_not_an_agent(sandbox: Sandbox) -> None:
    """The one that waits takes the failure over as its own result: it does not try at once again."""
    wait = f"until test -e {sandbox.outside}/go; do sleep 0.05; done"
    sandbox.add_spec(ONE, run=f"echo run >> {sandbox.outside}/count\n{wait}\nexit 3")
    sandbox.commit()
    first = sandbox.start("-n", "2")
    wait_until(lambda: (sandbox.outside / "count").exists(), "the agent of the first works")

    second = sandbox.start("-n", "2")
    assert second.stderr is not None
    assert any("comes last" in line for line in second.stderr)  # up to there it is read
    (sandbox.outside / "go").touch()

    assert (end(first).status, end(second).status) == (1, 1)
    assert lines_of(sandbox.outside / "count") == ["run"]


def test_a_killed_agent_whose_process_number_is_anothers_by_now_ends_nobody_else(sandbox: Sandbox) -> None:
    _make_patient(sandbox, (ONE,))
    process = sandbox.start("-n", "2")
    pids = _wait_for_agents(sandbox, (ONE,))
    record = sandbox.root / f".git/chant/attempts/{ONE}/1/record.json"
    wait_until(lambda: json.loads(record.read_bytes())["agent_process"] is not None, "the journal has the process")
    process.kill()
    end(process)
    wait_until(lambda: not any(map(is_running, pids)), "the agent is gone")
    with subprocess.Popen(("sleep", "300"), start_new_session=True) as bystander:
        values = json.loads(record.read_bytes())
        values["agent_process"]["pid"] = bystander.pid
        record.write_text(json.dumps(values))

        _assert_second_run_finishes(sandbox, (ONE,))

        assert bystander.poll() is None
        bystander.kill()


def test_the_list_tells_who_works_a_spec_elsewhere(sandbox: Sandbox) -> None:
    _make_patient(sandbox, (ONE, OTHER))
    process = sandbox.start("-n", "2")
    _wait_for_agents(sandbox, (ONE, OTHER))

    seen = load_seen(sandbox)[ONE]
    listed = sandbox.doit("list").out

    os.killpg(process.pid, signal.SIGINT)
    end(process)
    assert seen.state == "in-progress"
    assert seen.reason.startswith("script, ")
    assert seen.reason.endswith(f"doit {process.pid}")
    assert listed.count("◐ in progress") == 2


def test_what_another_doit_works_comes_last_and_is_taken_over(sandbox: Sandbox) -> None:
    """With one slot, the spec that is free is not kept waiting; the other is worked once its doit was stopped."""
    _make_patient(sandbox, (ONE,))
    sandbox.add_spec(OTHER)
    sandbox.commit()
    first = sandbox.start("-n", "1", ONE)
    _wait_for_agents(sandbox, (ONE,))

    second = sandbox.start("-n", "1")
    wait_until(lambda: sandbox.status_of(OTHER) == "completed", "the free spec is completed")
    between = load_states(sandbox)[ONE]
    (sandbox.outside / "again").touch()
    os.killpg(first.pid, signal.SIGINT)
    ends = (end(first), end(second))

    assert between == "in-progress"
    assert [ran.status for ran in ends] == [130, 0], ends
    assert load_states(sandbox) == {ONE: "completed", OTHER: "completed"}
    assert find_leftovers(sandbox) == []
