"""After `kill -9` while an agent works in the user's checkout, the next run brings the checkout back as it was."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chant_tasks.errors import RepositoryError, WorktreeError
from chant_tasks.journal.attempt import Phase
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import Ending, Kind
from tests.integration.repository import TICK, Repository
from tests.integration.test_in_place import add_belongings, add_others, look, place

__all__ = ["place"]

LEAVE = "chant_tasks.steps.leave"
NOTED = "chant_tasks.steps.noted"

# Nothing of an agent's is there yet.
BEFORE_THE_AGENT = {
    "nothing is noted": f"before:{NOTED}:load_noted",
    "all is noted": f"before:{NOTED}:save_noted",
    "the note is in the journal": f"after:{NOTED}:save_noted",
    "the branch is checked out": f"before:{NOTED}:apply_aside",
    "some entries are set aside": f"before:{NOTED}:hide_others",
    "the index is set aside": f"after:{NOTED}:apply_aside",
    "the attempt is made": "after:chant_tasks.steps.in_place:enter_checkout",
}
AFTER_THE_AGENT = {
    "the agent is about to start": "before:chant_tasks.agents.supervise:run_agent",
    "the agent has ended": "after:chant_tasks.agents.supervise:run_agent",
    "its work is a commit": "after:chant_tasks.landing.save:save_work",
    "its work is on the branch": "after:chant_tasks.landing.save:save_branch",
    "the checkout is about to be left": f"before:{LEAVE}:_settle",
    "the index has the saved work": f"after:{LEAVE}:_settle",
    "the other specs are set aside": f"after:{LEAVE}:_set_specs_aside",
    "the target is checked out": f"after:{LEAVE}:_switch_back",
    "the specs are about to be put back": f"before:{NOTED}:put_back_specs",
    "the specs are put back": f"after:{NOTED}:put_back_specs",
    "the checkout is left": f"after:{LEAVE}:leave_checkout",
}
LANDING = {
    "the landing begins": "before:chant_tasks.steps.batch:land_batch",
    "the branch has moved": "after:chant_tasks.landing.move:PreparedMove.commit",
}
HALFWAY = [moment for name, moment in AFTER_THE_AGENT.items() if name != "the agent is about to start"]


def kill(place: Repository, spec_id: SpecId, moment: str) -> None:
    """Work a spec in a process that is killed, with all it has started, at `moment`."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.integration.dying", str(place.root), spec_id, moment),
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize(
    "moment", [*BEFORE_THE_AGENT.values(), *AFTER_THE_AGENT.values()], ids=[*BEFORE_THE_AGENT, *AFTER_THE_AGENT]
)
def test_a_failing_attempt_that_was_killed_leaves_the_checkout_as_it_was(place: Repository, moment: str) -> None:
    script = (
        "echo work > work.txt\necho more >> tracked.txt\ngit add -A && git commit -qm one\necho two > two.txt\nexit 3"
    )
    spec_id = place.add_spec("a", script)
    add_others(place)
    add_belongings(place)
    before, tip = look(place), place.tip("main")

    kill(place, spec_id, moment)
    runs = place.count_runs("a")
    place.prepare()

    assert (look(place), place.tip("main")) == (before, tip)
    kept = place.refs(f"refs/chant/attempts/{spec_id}/")
    assert len(kept) == runs
    assert all(place.files(name) >= {"work.txt", "two.txt"} for name in kept)
    assert place.record(spec_id).ending in (Ending.INTERRUPTED, Ending.FAILED)
    place.assert_no_traces()


@pytest.mark.parametrize("moment", [*HALFWAY, *LANDING.values()])
def test_a_finished_agents_work_lands_without_another_and_nothing_of_the_users_is_lost(
    place: Repository, moment: str
) -> None:
    others = add_others(place)
    add_belongings(place)
    paths = tuple(place.spec_path(other) for other in others)
    spec_id = place.add_spec("a", f"echo work > work.txt\n{TICK}\ngit add -A && git commit -qm one", ticks=False)
    before, status = place.snapshot(*paths), place.status()

    kill(place, spec_id, moment)
    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.count_runs("a") == 1
    assert place.files() == {".gitignore", "README.md", "tracked.txt", "work.txt"}
    assert place.snapshot(*paths) == before
    assert place.status() == [line for line in status if "001-a.md" not in line]
    place.assert_no_traces()


def _kill_at_its_end(place: Repository, spec_id: SpecId) -> None:
    """Kill doit when its agent has ended; what is changed from then on is younger than what tells of that end."""
    kill(place, spec_id, "after:chant_tasks.agents.supervise:run_agent")
    ended, probe = place.journal / "attempts" / spec_id / "1" / "exit", place.outside / "probe"
    probe.touch()
    while probe.stat().st_ctime_ns <= ended.stat().st_mtime_ns:
        probe.touch()


def _kill_agent(place: Repository, script: str = "echo work > work.txt") -> SpecId:
    """A spec whose doit died when its agent had failed, which it does once, in a checkout that was clean."""
    fail_once = f"test -e {place.outside}/failed || {{ touch {place.outside}/failed; exit 3; }}"
    spec_id = place.add_spec("a", f"{script}\n{fail_once}")
    place.commit("spec")
    _kill_at_its_end(place, spec_id)
    return spec_id


def _kill_finished_agent(place: Repository) -> SpecId:
    """A spec whose doit died when its agent had finished, in a checkout that was clean."""
    spec_id = place.add_spec("a", "echo work > work.txt")
    place.commit("spec")
    _kill_at_its_end(place, spec_id)
    return spec_id


def test_finished_work_that_nobody_asks_for_now_is_on_its_branch_and_the_checkout_is_free(place: Repository) -> None:
    spec_id = _kill_finished_agent(place)

    place.prepare()

    assert (place.git("symbolic-ref", "--short", "HEAD"), place.status()) == ("main", [])
    assert place.show("work.txt", f"spec/{spec_id}") == "work\n"
    assert place.record(spec_id).phase is Phase.FINISHED


@pytest.mark.parametrize("command", ["echo mine > mine.txt", "echo mine >> tracked.txt", "git commit -qam mine"])
def test_what_the_user_did_in_the_checkout_after_the_agent_had_finished_does_not_land(
    place: Repository, command: str
) -> None:
    """Nobody can tell it from the agent's: the checkout stays as it is, and a person decides."""
    spec_id = _kill_finished_agent(place)
    later = int(time.time()) + 60  # git's log has whole seconds
    place.shell(f"export GIT_COMMITTER_DATE='{later} +0000'; {command}")
    before = look(place)

    for _ in range(2):
        with pytest.raises(WorktreeError) as error:
            place.prepare(spec_id)

        assert "since 001-a's agent ended there" in error.value.reason.replace(spec_id, "001-a")
        assert f"commit on spec/{spec_id} what is to land" in error.value.hint
    assert look(place) == before
    assert place.record(spec_id).ending is None
    assert place.state(spec_id).kind is Kind.ATTENTION
    assert place.state(spec_id).reason == error.value.reason
    assert place.git("log", "-1", "--format=%s", "main") == "spec"
    assert place.count_runs("a") == 1


def _kill_before_saving(place: Repository) -> SpecId:
    """As `_kill_finished_agent`, a moment later: what the agent had left is noted."""
    spec_id = place.add_spec("a", "echo work > work.txt")
    place.commit("spec")
    kill(place, spec_id, "before:chant_tasks.landing.save:save_work")
    return spec_id


def _fail_to_prepare(place: Repository, spec_id: SpecId) -> WorktreeError:
    before = look(place)
    with pytest.raises(WorktreeError) as error:
        place.prepare(spec_id)
    assert look(place) == before
    assert not any("could not be picked up" in text for text in place.notices())  # that is said once, by the refusal
    return error.value


@pytest.mark.parametrize("kill_one", [_kill_finished_agent, _kill_before_saving])
def test_once_the_user_has_taken_out_the_own_change_the_agents_work_lands_without_another(
    place: Repository, kill_one: Callable[[Repository], SpecId]
) -> None:
    spec_id = kill_one(place)
    place.shell("echo mine >> tracked.txt; echo mine > mine.txt")
    assert _fail_to_prepare(place, spec_id).reason.startswith("mine.txt, tracked.txt were changed in ")
    stash, _, doit = place.state(spec_id).next[0].command.rpartition(" && ")
    place.shell(stash)
    assert doit == "doit"

    assert place.work(spec_id).kind is Kind.COMPLETED

    assert (place.show("work.txt"), place.count_runs("a")) == ("work\n", 1)
    assert "mine" not in place.show("tracked.txt")
    assert "mine" in place.git("show", "stash:tracked.txt")


def test_what_the_user_committed_on_the_branch_and_went_back_from_lands(place: Repository) -> None:
    spec_id = _kill_before_saving(place)
    place.shell("echo mine >> tracked.txt")
    _fail_to_prepare(place, spec_id)
    place.shell("git add work.txt; git commit -qam all; git switch -q main")

    assert place.work(spec_id).kind is Kind.COMPLETED

    assert (place.show("work.txt"), place.count_runs("a")) == ("work\n", 1)
    assert "mine" in place.show("tracked.txt")


def test_an_own_change_is_seen_whatever_the_clock_says(place: Repository) -> None:
    spec_id = _kill_before_saving(place)
    exit_file = place.journal / "attempts" / spec_id / "1" / "exit"
    os.utime(exit_file, (time.time() + 3600, time.time() + 3600))
    place.shell("echo mine >> work.txt")

    assert _fail_to_prepare(place, spec_id).reason.startswith("work.txt was changed in ")


@pytest.mark.parametrize("hours", [1, -1])
def test_where_nothing_was_noted_a_clock_that_was_set_counts_as_a_change(place: Repository, hours: int) -> None:
    spec_id = _kill_finished_agent(place)
    clock = place.journal / "attempts" / spec_id / "1" / "clock"
    clock.write_text(str(int(clock.read_text()) + hours * 3600 * 10**9))

    assert _fail_to_prepare(place, spec_id).reason.startswith("something was changed in ")
    assert place.count_runs("a") == 1


@pytest.mark.parametrize("command", ["true", "echo mine >> tracked.txt"])
def test_where_the_agent_could_not_be_started_only_a_change_of_the_users_stops_it(
    place: Repository, command: str
) -> None:
    """As on a full disk, where nothing of an agent could be written, nor anything saved after it."""
    spec_id = place.add_spec("a", "true", ticks=False)
    place.commit("spec")
    kill(place, spec_id, "before:chant_tasks.landing.save:save_work")
    folder = place.journal / "attempts" / spec_id / "1"
    for name in ("exit", "log", "tree"):
        (folder / name).unlink()
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps({**record, "has_started": False}))
    place.shell(command)

    if command != "true":
        assert _fail_to_prepare(place, spec_id).reason.startswith("tracked.txt was changed in ")
    else:
        place.prepare(spec_id)
        assert (place.git("symbolic-ref", "--short", "HEAD"), place.status()) == ("main", [])


def test_the_state_tells_of_the_attempt_that_stopped(place: Repository) -> None:
    spec_id = _kill_agent(place)

    assert place.git("symbolic-ref", "--short", "HEAD") == f"spec/{spec_id}"
    assert place.state(spec_id).reason == "stopped midway; the next doit goes on from there"


def test_where_the_user_switched_to_another_branch_it_stops_and_goes_on_as_printed(place: Repository) -> None:
    spec_id = _kill_agent(place)
    place.git("switch", "-q", "-c", "feature")
    before = look(place)

    with pytest.raises(WorktreeError) as error:
        place.prepare(spec_id)

    assert error.value.reason == f"your checkout is on feature, and {spec_id} was being worked in it"
    assert error.value.hint == f"git switch spec/{spec_id} && doit"
    assert look(place) == before
    place.shell(error.value.hint.removesuffix(" && doit"))
    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.files(f"refs/chant/attempts/{spec_id}/1") >= {"work.txt"}


def test_where_the_user_has_a_file_in_the_way_it_stops_and_goes_on_when_that_is_away(place: Repository) -> None:
    spec_id = _kill_agent(place, "git rm -q tracked.txt; git commit -qm gone")
    place.write(".git/info/exclude", "tracked.txt\n")
    place.write("tracked.txt", "precious\n")

    with pytest.raises(WorktreeError) as error:
        place.prepare(spec_id)

    assert error.value.reason == "your checkout cannot go back to main: tracked.txt is in the way"
    assert error.value.hint == "git stash push --all -- tracked.txt && doit"
    assert place.read("tracked.txt") == "precious\n"
    place.shell(error.value.hint.removesuffix(" && doit"))
    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.show("tracked.txt", "stash^3") == "precious\n"


def test_what_the_user_wrote_into_another_spec_meanwhile_stays(place: Repository) -> None:
    others = add_others(place)
    spec_id = place.add_spec("a", "echo work > work.txt")
    kill(place, spec_id, "after:chant_tasks.agents.supervise:run_agent")
    path = place.spec_path(others[0])
    place.write(path, "---\nstatus: pending\n---\n# Newest\n")

    place.prepare()

    assert place.read(path) == "---\nstatus: pending\n---\n# Newest\n"
    assert place.git("symbolic-ref", "--short", "HEAD") == "main"


def test_where_the_user_went_back_alone_what_was_noted_comes_back(place: Repository) -> None:
    others = add_others(place)
    spec_id = place.add_spec("a", "echo work > work.txt; git add -A; git commit -qm all")
    before = look(place)
    kill(place, spec_id, "after:chant_tasks.agents.supervise:run_agent")
    place.shell("git commit -qam mine; git switch -q main")

    place.prepare()

    assert look(place) == before
    assert len(others) == 8


def test_what_the_user_wrote_into_the_specs_file_after_going_back_stays(place: Repository) -> None:
    spec_id = _kill_agent(place, f"echo work > work.txt; git add -A; git commit -qm all\n{TICK}")
    place.shell("git commit -qam ticked; git switch -q main")
    path = place.spec_path(spec_id)
    text = place.read(path).replace("Some words.", "My words.")
    place.write(path, text)

    place.prepare()

    assert place.read(path) == text


def test_an_agents_own_detached_commits_are_kept(place: Repository) -> None:
    spec_id = _kill_agent(place, "git switch -q --detach; echo work > work.txt; git add -A; git commit -qm detached")

    place.prepare()

    assert place.files(f"refs/chant/attempts/{spec_id}/1") >= {"work.txt"}
    assert place.git("symbolic-ref", "--short", "HEAD") == "main"
    assert place.status() == []


def test_another_checkout_of_the_repository_may_pick_the_attempt_up(place: Repository) -> None:
    spec_id = _kill_agent(place)
    place.git("worktree", "add", "-q", str(place.outside / "linked"), "-b", "feature", "main")
    linked = Repository(
        top=place.outside / "linked",
        root=place.outside / "linked",
        worktrees=place.worktrees,
        outside=place.outside,
    )

    linked.prepare()

    assert place.git("symbolic-ref", "--short", "HEAD") == "main"
    assert linked.git("symbolic-ref", "--short", "HEAD") == "feature"
    assert place.files(f"refs/chant/attempts/{spec_id}/1") >= {"work.txt"}
    assert (place.status(), linked.status()) == ([], [])


def test_a_parallel_run_picks_the_attempt_up_as_well(place: Repository) -> None:
    spec_id = _kill_agent(place)
    place.write(".git/info/exclude", ".chant/config.md\n")
    place.shell("git stash -q -- .chant/config.md 2>/dev/null || true")

    place.prepare()

    assert place.git("symbolic-ref", "--short", "HEAD") == "main"
    assert place.files(f"refs/chant/attempts/{spec_id}/1") >= {"work.txt"}


def test_without_its_branch_and_without_a_target_there_is_still_a_way_back(place: Repository) -> None:
    spec_id = _kill_agent(place)
    place.git("switch", "-q", "--detach", "main")

    with pytest.raises((WorktreeError, RepositoryError)) as error:
        place.prepare(spec_id)

    assert f"git switch spec/{spec_id}" in error.value.hint
    place.shell(error.value.hint.removesuffix(" && doit"))
    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.spec(spec_id).status is Status.COMPLETED


def test_commits_that_only_the_log_of_head_remembers_are_kept_after_a_crash_too(place: Repository) -> None:
    commit, leave = "git add a.txt && git commit -qm mine", "git switch -q main && git branch -q -D $CHANT_BRANCH"
    script = f"echo work > a.txt && {commit}\n{leave}"
    spec_id = place.add_spec("a", script, ticks=False)
    place.commit("spec")
    kill(place, spec_id, AFTER_THE_AGENT["the agent has ended"])

    place.prepare()

    assert place.show("a.txt", f"refs/chant/attempts/{spec_id}/1-abandoned-1") == "work\n"
