"""After `kill -9` at any moment, the next run loses nothing, repeats no finished agent, and leaves no trace."""

import errno
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.git.runner import Answer, Git
from chant_tasks.journal.attempt import AgentEnd, AttemptRecord, Phase, save_record
from chant_tasks.journal.ledger import load_entries
from chant_tasks.journal.process import is_alive
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.recover import recover_all
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import TICK, Repository

SAVE = "chant_tasks.landing.save"
MOVE, ADVANCE = "chant_tasks.landing.move", "chant_tasks.steps.advance"
BATCH = "chant_tasks.steps.batch:land_batch"
CHECKOUT = "chant_tasks.landing.checkout"

# Before the agent had finished, its work is kept as an interrupted attempt, and the spec worked again.
BEFORE_ITS_END = {
    "the record is there, the worktree is not": "before:chant_tasks.git.worktrees:add_worktree",
    "the worktree is registered": "after:chant_tasks.git.worktrees:add_worktree",
    "the worktree is full": "after:chant_tasks.steps.include:add_included_files",
    "the agent is about to start": "before:chant_tasks.agents.supervise:run_agent",
}
# Afterwards it is not run again: its work is judged, and lands.
AFTER_ITS_END = {
    "the agent has ended": "after:chant_tasks.agents.supervise:run_agent",
    "its end is noted": "after:chant_tasks.steps.agent:_note_end",
    "its work is a commit": f"after:{SAVE}:save_work",
    "its work is on the branch": f"after:{SAVE}:save_branch",
    "its work is judged": "after:chant_tasks.landing.evidence:plan_verdict",
    "the work is done": "before:chant_tasks.journal.locks:add_tasks_lock",
    "the landing begins": f"before:{BATCH}",
    "the landing commit has a ref": f"after:{ADVANCE}:apply_refs",
    "the journal knows the landing": f"before:{ADVANCE}:apply_move",
    "the index is locked": f"before:{MOVE}:prepare_refresh",
    "the index is copied": f"after:{MOVE}:prepare_refresh",
    "the move is prepared": f"before:{MOVE}:apply_refresh_plan",
    "the files are written": f"after:{CHECKOUT}:apply_tree",
    "the checkout has moved": f"after:{MOVE}:apply_refresh_plan",
    "the branch is about to move": f"before:{MOVE}:PreparedMove.commit",
    "the branch has moved": f"after:{MOVE}:PreparedMove.commit",
    "all has landed": f"after:{BATCH}",
    "the worktree is about to go": "before:chant_tasks.git.worktrees:take_away",
    "the worktree is taken away": "after:chant_tasks.git.worktrees:take_away",
    "the worktree is gone": "after:chant_tasks.git.worktrees:remove_taken",
    "the branch is gone": "after:chant_tasks.steps.cleanup:remove_traces",
}
# A git of ours is in the middle of a dialogue then, and goes on for a moment where only doit died.
WHILE_GIT_WAITS = (
    "the move is prepared",
    "the files are written",
    "the checkout has moved",
    "the branch is about to move",
)
MINE = ("mine.txt", "tracked.txt", "staged.txt", "ignored.log")


def _kill(repository: Repository, spec_id: SpecId, moment: str, *, takes_children: bool) -> None:
    """Work a spec in a process that is killed at `moment`, with what it has started where `takes_children`."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.integration.dying", str(repository.root), spec_id, moment),
        cwd=Path(__file__).parents[2],
        start_new_session=takes_children,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.fixture
def spec(repository: Repository) -> SpecId:
    """A spec that changes, adds and removes files, in a checkout with all kinds of the user's own changes."""
    repository.write(".gitignore", "*.log\n")
    repository.write("tracked.txt", "old\n")
    repository.write("gone.txt", "old\n")
    repository.write("deep/one.txt", "1\n")
    script = "echo work > a.txt\necho work > README.md\nrm gone.txt\nrm -r deep\nmkdir new\necho work > new/file"
    spec_id = repository.add_spec("a", script)
    repository.commit("spec")
    repository.write("mine.txt", "mine\n")
    repository.write("tracked.txt", "mine\n")
    repository.write("ignored.log", "mine\n")
    repository.write("staged.txt", "mine\n")
    repository.git("add", "staged.txt")
    return spec_id


STATUS = [" M tracked.txt", "A  staged.txt", "?? mine.txt"]


def _assert_landed(repository: Repository, spec_id: SpecId) -> None:
    assert repository.files() == {".gitignore", "README.md", "tracked.txt", "a.txt", "new/file"}
    assert repository.show("README.md") == "work\n"
    assert repository.spec(spec_id).status.value == "completed"
    assert repository.git("log", "--format=%s", "--first-parent", "main").splitlines() == [
        f"chant({spec_id}): Do a",
        "spec",
        "start",
    ]
    assert sorted(repository.status()) == sorted(STATUS)
    assert repository.state(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()
    assert [entry.outcome for entry in load_entries(repository.journal)] == ["finished"]


@pytest.mark.parametrize("moment", BEFORE_ITS_END.values(), ids=list(BEFORE_ITS_END))
def test_a_spec_killed_before_its_agent_had_finished_is_worked_again(
    repository: Repository, spec: SpecId, moment: str
) -> None:
    before, tip = repository.snapshot(*MINE), repository.tip("main")

    _kill(repository, spec, moment, takes_children=True)

    assert (repository.tip("main"), repository.snapshot(*MINE)) == (tip, before)
    repository.prepare()
    repository.assert_no_traces()
    assert repository.refs(f"refs/chant/attempts/{spec}/") == {}
    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    assert repository.snapshot(*MINE) == before
    _assert_landed(repository, spec)


def test_a_spec_whose_file_as_given_a_power_loss_took_is_worked_again(repository: Repository, spec: SpecId) -> None:
    moment = BEFORE_ITS_END["the record is there, the worktree is not"]
    _kill(repository, spec, moment, takes_children=True)
    (repository.top / ".git" / "chant" / "attempts" / spec / "1" / "given.md").unlink()  # its record came through

    assert repository.work(spec).kind is Kind.COMPLETED
    _assert_landed(repository, spec)


@pytest.mark.parametrize(
    ("moment", "takes_children"),
    [(name, True) for name in AFTER_ITS_END] + [(name, False) for name in WHILE_GIT_WAITS],
    ids=lambda value: value if isinstance(value, str) else "all died" if value else "only doit died",
)
def test_a_spec_killed_after_its_agent_had_finished_is_landed_without_another(
    repository: Repository, spec: SpecId, moment: str, takes_children: bool
) -> None:
    before = repository.snapshot(*MINE)

    _kill(repository, spec, AFTER_ITS_END[moment], takes_children=takes_children)
    is_on_target = "a.txt" in repository.files()

    assert (repository.show(repository.spec_path(spec)).startswith("---\nstatus: completed")) == is_on_target
    assert repository.snapshot(*MINE) == before
    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    assert repository.snapshot(*MINE) == before
    _assert_landed(repository, spec)


@pytest.mark.parametrize("moment", ["the index is locked", *WHILE_GIT_WAITS, "the branch has moved"])
def test_the_users_git_works_once_the_next_run_began(repository: Repository, spec: SpecId, moment: str) -> None:
    _kill(repository, spec, AFTER_ITS_END[moment], takes_children=True)

    repository.prepare()

    repository.write("later.txt", "later\n")
    repository.git("add", "later.txt")
    repository.git("commit", "-q", "-m", "later", "--", "later.txt")
    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.files() >= {"a.txt", "later.txt"}
    assert repository.show("a.txt") == "work\n"
    assert repository.count_runs("a") == 1
    assert sorted(repository.status()) == sorted(STATUS)
    repository.assert_no_traces()


def test_a_torn_file_is_written_again(repository: Repository, spec: SpecId) -> None:
    _kill(repository, spec, AFTER_ITS_END["the files are written"], takes_children=True)
    (repository.top / "README.md").write_text("wo")
    (repository.top / "new/file").write_text("")

    assert repository.work(spec).kind is Kind.COMPLETED
    _assert_landed(repository, spec)
    assert repository.read("README.md") == "work\n"


def test_a_users_edit_of_a_half_moved_file_waits_and_is_kept(repository: Repository, spec: SpecId) -> None:
    _kill(repository, spec, AFTER_ITS_END["the files are written"], takes_children=True)
    repository.write("README.md", "mine\n")

    state = repository.work(spec)

    assert (state.kind, state.reason) == (
        Kind.LANDING_WAITS,
        "README.md is changed or untracked in your checkout",
    )
    assert repository.read("README.md") == "mine\n"
    repository.write("README.md", "work\n")
    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    _assert_landed(repository, spec)


def test_a_half_moved_checkout_whose_target_now_conflicts_is_not_completed(
    repository: Repository, spec: SpecId
) -> None:
    _kill(repository, spec, AFTER_ITS_END["the checkout has moved"], takes_children=True)
    blob = repository.git("hash-object", "-w", repository.spec_path(spec))
    tree = repository.git("ls-tree", "main").replace(repository.git("rev-parse", "main:README.md"), blob)
    (repository.outside / "tree").write_text(f"{tree}\n")
    repository.shell(f"git mktree < {repository.outside}/tree > {repository.outside}/made")
    made = (repository.outside / "made").read_text().strip()
    repository.git("update-ref", "refs/heads/main", repository.git("commit-tree", "-p", "main", "-m", "theirs", made))

    state = repository.work(spec)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: README.md")
    assert repository.state(spec) == state
    assert repository.show("README.md", f"spec/{spec}") == "work\n"


def test_a_landing_killed_twice_lands(repository: Repository, spec: SpecId) -> None:
    _kill(repository, spec, AFTER_ITS_END["the files are written"], takes_children=True)
    _kill(repository, spec, AFTER_ITS_END["the checkout has moved"], takes_children=True)

    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    _assert_landed(repository, spec)


@pytest.mark.parametrize("moment", ["the files are written", "the checkout has moved", "the branch has moved"])
def test_a_killed_landing_in_a_second_worktree_is_finished_there(repository: Repository, moment: str) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("switch", "-q", "-c", "feature")
    second = repository.outside / "second"
    repository.git("worktree", "add", "-q", str(second), "main")

    _kill(repository, spec_id, AFTER_ITS_END[moment], takes_children=True)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.git("status", "--porcelain", cwd=second), repository.status()) == ("", [])
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", ["the journal knows the landing", *WHILE_GIT_WAITS, "the branch has moved"])
def test_a_driver_killed_in_its_landing_lands(repository: Repository, moment: str) -> None:
    driver = repository.add_spec("d", None, keys="type: driver")
    member = repository.add_spec("d.1")
    repository.commit()
    repository.work(member)

    _kill(repository, driver, AFTER_ITS_END[moment], takes_children=True)

    assert repository.work_driver(driver).kind is Kind.COMPLETED
    assert repository.show(repository.spec_path(driver)).startswith("---\nstatus: completed")
    assert repository.git("log", "--format=%s", "--first-parent", "main").splitlines()[0] == f"chant({driver}): Do d"
    assert repository.status() == []
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", ["the landing begins", "the branch has moved", "all has landed"])
def test_an_ignored_spec_killed_in_its_landing_keeps_the_users_edit(repository: Repository, moment: str) -> None:
    repository.write(".gitignore", "/.chant/\n")
    repository.git("rm", "-q", "-r", "--cached", ".chant")
    spec_id = repository.add_spec("a")
    repository.commit()
    path = repository.spec_path(spec_id)

    _kill(repository, spec_id, AFTER_ITS_END[moment], takes_children=True)
    repository.write(path, repository.read(path).replace("Some words.", "Better words."))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert "Better words." in repository.read(path)
    assert repository.spec(spec_id).status.value == "completed"
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", ["the journal knows the landing", "the branch has moved"])
def test_a_killed_rerun_lands(repository: Repository, moment: str) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)

    _kill(repository, spec_id, AFTER_ITS_END[moment], takes_children=True)

    repository.work(spec_id)
    assert repository.state(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 2
    assert repository.status() == []
    repository.assert_no_traces()


# The parent of an agent is its keeper, that one's is what forks keepers, and doit has started that.
DOIT = "$(ps -o ppid= -p $(ps -o ppid= -p $PPID))"
KILL_DOIT = f"kill -9 {DOIT}"


def _run_to_its_death(repository: Repository, spec_id: SpecId) -> None:
    """Work a spec whose agent kills its doit."""
    done = subprocess.run(
        (sys.executable, "-m", "tests.integration.dying", str(repository.root), spec_id, f"after:{BATCH}"),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL


def test_an_agent_that_outlived_its_doit_is_ended_and_its_work_kept(repository: Repository) -> None:
    script = f"""\
trap '' TERM
echo half > a.txt
until grep -q 'agent_process.: {{' {repository.journal}/attempts/*/1/record.json; do sleep 0.01; done
{KILL_DOIT}
touch {repository.outside}/up
while :; do sleep 1; done"""
    repository.write(".chant/config.md", "---\ntimeouts: {grace: 6s}\n---\n")
    spec_id = repository.add_spec("a", script)
    repository.commit()

    _run_to_its_death(repository, spec_id)
    agent = repository.record(spec_id).agent_process
    was_alive = agent is not None and is_alive(agent)
    repository.prepare()

    assert agent is not None
    assert (was_alive, is_alive(agent)) == (True, False)
    assert "ended an agent that an earlier run had left" in repository.notices()
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "half\n"
    assert repository.record(spec_id).ending is Ending.INTERRUPTED
    repository.assert_no_traces()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows who started a process")
def test_what_outlived_its_doit_and_its_keeper_is_ended_and_its_work_kept(repository: Repository) -> None:
    script = f"""\
echo half > a.txt
touch {repository.outside}/up
until grep -q 'agent_process.: {{' {repository.journal}/attempts/*/1/record.json; do sleep 0.01; done
sleep 60 &
kill -STOP $PPID  # else it may see doit's end before its own, and end the agent
kill -9 {DOIT} $PPID"""
    spec_id = repository.add_spec("a", script)
    repository.commit()

    _run_to_its_death(repository, spec_id)
    assert (repository.outside / "up").exists()
    agent = repository.record(spec_id).agent_process

    repository.prepare()

    assert agent is not None
    assert "ended an agent that an earlier run had left" in repository.notices()
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "half\n"
    assert repository.state(spec_id).reason == (
        f"interrupted, the next doit begins anew; kept at refs/chant/attempts/{spec_id}/1"
    )
    repository.assert_no_traces()


def test_an_agent_that_failed_while_its_doit_died_counts_as_interrupted(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt; exit 3")
    repository.commit()

    _kill(repository, spec_id, AFTER_ITS_END["the agent has ended"], takes_children=True)
    repository.prepare()

    assert (repository.record(spec_id).ending, repository.record(spec_id).kept) == (
        Ending.INTERRUPTED,
        f"refs/chant/attempts/{spec_id}/1",
    )
    repository.assert_no_traces()
    (entry,) = load_entries(repository.journal)
    assert (entry.attempt, entry.outcome, entry.cost_usd) == (1, "gave up", None)
    assert entry.seconds == repository.record(spec_id).agent_seconds


def test_an_agent_that_gave_up_is_recorded_as_such_by_the_next_run(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt; exit 3")
    repository.commit()

    _kill(repository, spec_id, AFTER_ITS_END["its end is noted"], takes_children=True)
    repository.prepare()

    record = repository.record(spec_id)
    assert (record.ending, record.reason) == (Ending.FAILED, "the agent gave up: exit status 3")
    assert repository.show("a.txt", record.kept) == "half\n"
    repository.assert_no_traces()


def test_an_agent_that_had_said_its_last_word_when_its_doit_died_has_finished(repository: Repository) -> None:
    """It stays after that word, and is ended: the log has what it said."""
    spec_id = repository.add_spec("a", None)
    word = '{"type": "result", "subtype": "success", "is_error": false, "result": "done", "total_cost_usd": 0.5}'
    agent = repository.outside / "claude"
    agent.write_text(f"""#!/bin/sh
[ "$1" = --version ] && exit 1
echo run >> {repository.outside}/a.runs
echo work > a.txt
{TICK}
echo '{word}'
until grep -q '"result"' {repository.journal}/attempts/*/1/log; do sleep 0.01; done
{KILL_DOIT}
sleep 60
""")
    agent.chmod(0o755)
    repository.write(
        ".chant/config.md",
        f"---\ndefaults: {{provider: claude}}\nproviders: {{claude: {{executable: {agent}}}}}\n---\n",
    )
    repository.commit()

    _run_to_its_death(repository, spec_id)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.count_runs("a"), repository.record(spec_id).cost_usd) == (1, 0.5)
    assert [entry.cost_usd for entry in load_entries(repository.journal)] == [0.5]
    assert repository.show("a.txt") == "work\n"
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", ["the agent has ended", "its end is noted", "its work is on the branch"])
def test_finished_work_that_nobody_asks_for_now_is_on_its_branch_without_a_worktree(
    repository: Repository, spec: SpecId, moment: str
) -> None:
    _kill(repository, spec, AFTER_ITS_END[moment], takes_children=True)

    repository.prepare()

    assert repository.show("a.txt", f"spec/{spec}") == "work\n"
    assert repository.record(spec).phase is Phase.FINISHED
    assert repository.state(spec).reason == "stopped midway; the next doit goes on from there"
    assert not list(repository.worktrees.glob("chant-*"))
    assert repository.refs("refs/chant/attempts/") == {}


def test_finished_work_of_a_spec_that_was_removed_meanwhile_is_kept_at_a_ref(
    repository: Repository, spec: SpecId
) -> None:
    other = repository.add_spec("b")
    _kill(repository, spec, AFTER_ITS_END["the agent has ended"], takes_children=True)
    repository.git("rm", "-q", repository.spec_path(spec))
    repository.git("commit", "-q", "-m", "not needed any more")

    repository.prepare(other)

    assert repository.show("a.txt", f"refs/chant/attempts/{spec}/1") == "work\n"
    repository.assert_no_traces()


def test_a_worktree_that_vanished_loses_no_commit(repository: Repository) -> None:
    """What was not committed is lost with it, the ticks too: so the work is not done."""
    spec_id = repository.add_spec("a", "echo work > a.txt\ngit add -A\ngit commit -q -m mine")
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END["the agent has ended"], takes_children=True)
    (repository.worktrees / f"chant-{spec_id}").rename(repository.outside / "gone")

    repository.prepare()

    record = repository.record(spec_id)
    assert (record.ending, record.reason) == (Ending.FAILED, '1 of 1 acceptance criterion is unticked: "it is done"')
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()


def test_what_its_user_did_in_a_worktree_that_a_killed_run_left_is_work_of_the_agents(repository: Repository) -> None:
    """docs/why/recovery.md has why: nobody works there but who means that spec."""
    spec_id = repository.add_spec("a")
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END["the agent has ended"], takes_children=True)
    (repository.worktrees / f"chant-{spec_id}" / "mine.txt").write_text("mine\n")

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert {"a.txt", "mine.txt"} <= repository.files()
    assert repository.count_runs("a") == 1


@pytest.mark.parametrize("is_damaged", [True, False])
def test_where_the_journal_has_lost_an_attempt_nothing_lands_without_what_its_worktree_holds(
    repository: Repository, *, is_damaged: bool
) -> None:
    spec_id = repository.add_spec("a", "echo one > one.txt\ngit add one.txt\ngit commit -q -m one\necho two > two.txt")
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END["its end is noted"], takes_children=True)
    record, place = repository.journal / "attempts" / spec_id / "1" / "record.json", f"chant-{spec_id}"
    record.write_text("{") if is_damaged else record.unlink()
    repository.prepare()

    assert repository.state(spec_id).next[0].command == "doit spec-land a"
    with pytest.raises(RepositoryError, match=rf"two.txt in .*{place}, where spec/{spec_id} is checked out") as refused:
        repository.land(spec_id)

    repository.shell(refused.value.hint.removesuffix(f" && doit spec-land {spec_id}") + " -q -m two")
    assert repository.land(spec_id).kind is Kind.COMPLETED
    assert {"one.txt", "two.txt"} <= repository.files()


@pytest.mark.parametrize("what", ["mv {0} {0}-other", "rm {0}/.git; git -C {0} init -q"])
def test_a_worktree_that_was_moved_or_made_a_repository_is_saved_after_a_crash_too(
    repository: Repository, what: str
) -> None:
    spec_id = repository.add_spec("a", ticks=False)
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END["the agent has ended"], takes_children=True)
    repository.shell(what.format(repository.worktrees / f"chant-{spec_id}"))

    repository.prepare()

    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", ["its work is a commit", "its work is on the branch"])
def test_a_repository_that_an_agent_made_inside_does_not_land_after_a_crash_either(
    repository: Repository, moment: str
) -> None:
    spec_id = repository.add_spec("a", "mkdir sub; cd sub; git init -q; git commit -q --allow-empty -m inner; cd ..")
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END[moment], takes_children=True)

    repository.prepare()

    record = repository.record(spec_id)
    assert (record.ending, record.reason) == (Ending.FAILED, "sub/embedded-git is a git repository")
    repository.assert_no_traces()


def test_an_attempt_killed_while_it_was_being_ended_is_ended_in_the_same_way(repository: Repository) -> None:
    spec_id = repository.add_spec("a", ticks=False)
    repository.commit()
    _kill(repository, spec_id, AFTER_ITS_END["the branch is gone"], takes_children=True)

    repository.prepare()

    record = repository.record(spec_id)
    assert (record.ending, record.kept) == (Ending.FAILED, f"refs/chant/attempts/{spec_id}/1")
    assert repository.show("a.txt", record.kept) == "work\n"
    repository.assert_no_traces()


def test_what_could_not_be_saved_stays_until_the_next_run(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("chant_tasks.landing.save.add_commit", refuse)
        state = repository.work(spec_id)

    assert (state.kind, state.reason) == (
        Kind.FAILED,
        "no space left on device; what the agent left could not be saved",
    )
    assert [following.command for following in state.next] == [
        f"git -C {repository.worktrees}/chant-{spec_id} status",
        "doit",
    ]
    assert (repository.worktrees / f"chant-{spec_id}" / "a.txt").read_text() == "work\n"
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    repository.assert_no_traces()


def test_a_disk_that_an_agent_filled_does_not_keep_its_end_from_the_journal(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for as long as nothing is given back."""
    spec_id = repository.add_spec("a")
    repository.commit()
    run = repository.prepare(spec_id)
    attempt = add_attempt(run, spec_id)
    assert isinstance(attempt, Attempt)
    folder = repository.journal / "attempts" / spec_id / "1"
    reserved = []

    def save_where_there_is_room(journal: Path, record: AttemptRecord) -> None:
        reserved.append((folder / "reserve").exists())
        if record.phase is Phase.AGENT_ENDED and reserved[-1]:
            raise OSError(errno.ENOSPC, "No space left on device")
        save_record(journal, record)

    monkeypatch.setattr("chant_tasks.steps.attempt.save_record", save_where_there_is_room)
    attempt = run_agent(run, attempt)

    assert reserved == [True, True, True, False]  # about to start, started, ended, ended
    assert repository.record(spec_id) == attempt.record
    assert (attempt.record.phase, attempt.record.agent_end) == (Phase.AGENT_ENDED, AgentEnd.FINISHED)


def test_the_room_that_is_set_aside_is_given_back(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    repository.work(spec_id)

    assert not (repository.journal / "attempts" / spec_id / "1" / "reserve").exists()


def test_a_git_that_fails_midway_is_picked_up_where_it_was(
    repository: Repository, spec: SpecId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("chant_tasks.landing.checkout.add_files_from_index", refuse)
        state = repository.work(spec)

    assert (state.kind, "no space left" in state.reason) == (Kind.LANDING_WAITS, True)
    assert repository.read("README.md") == "work\n"
    assert repository.work(spec).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    _assert_landed(repository, spec)


def test_recovery_costs_no_git_call_where_nothing_was_in_flight(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    run, calls = repository.prepare(), []
    run_git = Git.run

    def count(git: Git, *arguments: str, **keywords: Any) -> Answer:
        calls.append(arguments)
        return run_git(git, *arguments, **keywords)

    monkeypatch.setattr(Git, "run", count)
    problems = recover_all(run)

    assert (calls, problems) == ([], {})
    assert load_landed(run.git) == f"chant({spec_id}): Do a"
    assert len(calls) == 1  # what is counted is counted


def load_landed(git: Git) -> str:
    """The subject of the last commit."""
    return git.run("log", "-1", "--format=%s").text
