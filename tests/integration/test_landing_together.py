"""Specs that are ready together are checked together and land in one move; a culprit stays behind alone."""

import fcntl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chant_tasks.errors import GitError, RepositoryError
from chant_tasks.git.refs import PreparedMove
from chant_tasks.journal.flock import find_lock
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.parking import close_pool
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository, make_repository
from tests.integration.test_checks import configure, count_checks
from tests.processes import wait_until


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def _nothing(_: SpecRun) -> None:
    """Nobody does anything meanwhile."""


def finalize_together(
    repository: Repository, specs: Sequence[SpecId], meanwhile: Callable[[SpecRun], None] = _nothing
) -> tuple[State, ...]:
    """The states of specs whose agents have ended and that are finalized at once: another process has the turn to check
    until all of them wait for it. `meanwhile` happens just before it lets go."""
    run = repository.prepare(*specs)
    attempts = []
    for spec in specs:
        attempt = add_attempt(run, spec)
        assert isinstance(attempt, Attempt), attempt
        attempts.append(run_agent(run, attempt))
    turn = find_lock(repository.journal / "locks" / "checks", fcntl.LOCK_EX)
    assert turn is not None
    with ThreadPoolExecutor(len(specs)) as pool:
        done = [pool.submit(finalize, run, attempt) for attempt in attempts]
        while len(run.landings.waiting) < len(specs) and not any(one.done() for one in done):
            threading.Event().wait(0.02)
        meanwhile(run)
        turn.release()
        states = tuple(one.result(120) for one in done)
    close_pool(run)
    return states


def add_specs(repository: Repository, *names: str) -> tuple[SpecId, ...]:
    specs = tuple(repository.add_spec(name) for name in names)
    repository.commit("specs")
    return specs


def load_moves(repository: Repository) -> list[str]:
    """What the log of main says, the newest first."""
    return repository.git("log", "-g", "--format=%gs", "main").splitlines()


def test_eight_good_specs_land_after_one_run_of_the_check_each_as_its_own_commit(repository: Repository) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks; sleep 1")
    specs = add_specs(repository, *"abcdefgh")

    states = finalize_together(repository, specs)

    assert [state.kind for state in states] == [Kind.COMPLETED] * 8
    assert count_checks(repository) == 1
    assert load_moves(repository)[0].count("2026-01-01-001-") == 8
    landed = repository.git("log", "--first-parent", "-8", "--format=%(trailers:key=Chant-Spec,valueonly)", "main")
    assert sorted(landed.split()) == sorted(specs)
    for spec in specs:
        assert "status: completed" in repository.show(repository.spec_path(spec))
        assert "status: completed" in repository.read(repository.spec_path(spec))
    assert repository.status() == []
    repository.assert_no_traces()


def test_who_is_just_about_to_be_ready_shares_the_move(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.steps.batch._MOVE_SECONDS", 60.0)
    specs = add_specs(repository, "a", "b")
    run = repository.prepare(*specs)
    attempts = [add_attempt(run, spec) for spec in specs]
    first, second = (run_agent(run, attempt) for attempt in attempts if isinstance(attempt, Attempt))
    is_announced = threading.Event()

    def come_late() -> State:
        with run.landings.expecting():
            is_announced.set()
            wait_until(lambda: bool(run.landings.waiting))
            return finalize(run, second)

    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(come_late)
        assert is_announced.wait(60)
        states = (finalize(run, first), late.result(120))
    close_pool(run)

    assert [state.kind for state in states] == [Kind.COMPLETED] * 2
    assert load_moves(repository)[0].count("2026-01-01-001-") == 2


def test_of_eight_with_one_bad_the_seven_others_land_and_it_alone_waits(repository: Repository) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks; ! grep -rl bad *.txt")
    names = ("a", "b", "c", "d", "e", "f", "g", "h")
    specs = [
        repository.add_spec(name, "echo bad > bad.txt" if name == "e" else "echo work > {name}.txt") for name in names
    ]
    repository.commit("specs")

    states = dict(zip(names, finalize_together(repository, specs), strict=True))

    assert {name for name, state in states.items() if state.kind is Kind.COMPLETED} == set(names) - {"e"}
    assert states["e"].kind is Kind.ATTENTION
    assert repository.record(specs[4]).ending is Ending.RED
    assert ("it said", "bad.txt") in states["e"].details
    for spec in specs:
        log = (repository.journal / "attempts" / spec / "1" / "log").read_text()
        assert "failed with status 1" in log, spec
        assert "said in .git/chant/attempts/" in log or "\nbad.txt\n" in log
    # the tip, once more, three halves, at most one more for the culprit, and those behind it
    assert 6 <= count_checks(repository) <= 7
    assert "bad.txt" not in repository.files()
    repository.assert_no_traces(f"spec/{specs[4]}")


def test_whoever_is_good_alone_and_bad_together_waits_and_the_first_of_them_lands(repository: Repository) -> None:
    configure(repository, "! [ -e a.txt -a -e c.txt ]")
    specs = add_specs(repository, "a", "b", "c")

    states = finalize_together(repository, specs)

    assert sorted(state.kind.value for state in states) == ["attention", "completed", "completed"]
    assert len(repository.files() & {"a.txt", "b.txt", "c.txt"}) == 2


def test_a_conflict_with_another_of_the_batch_is_known_once_that_has_landed(repository: Repository) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks")
    specs = [repository.add_spec(name, f"echo {name} > shared.txt") for name in "ab"]
    specs.append(repository.add_spec("c"))
    repository.commit("specs")

    states = finalize_together(repository, specs)

    assert sorted(state.kind.value for state in states) == ["attention", "completed", "completed"]
    assert {repository.record(spec).ending for spec in specs} == {Ending.COMPLETED, Ending.CONFLICT}
    assert count_checks(repository) == 1


def test_only_those_wait_whose_paths_are_in_their_users_way(repository: Repository) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks")
    a, b, c = add_specs(repository, "a", "b", "c")

    states = finalize_together(repository, (a, b, c), lambda _: _discard(repository.write("b.txt", "mine\n")))

    assert [state.kind for state in states] == [Kind.COMPLETED, Kind.LANDING_WAITS, Kind.COMPLETED]
    assert states[1].reason == "b.txt is changed or untracked in your checkout"
    assert repository.read("b.txt") == "mine\n"
    assert count_checks(repository) == 2
    (repository.root / "b.txt").unlink()
    assert repository.work(b).kind is Kind.COMPLETED
    repository.assert_no_traces()


def _discard(_: object) -> None:
    """A path is nobody's concern."""


def test_what_was_checked_on_a_target_that_has_moved_is_checked_again(repository: Repository) -> None:
    moved = f"{repository.outside}/moved"
    move = f"touch {moved}; git -C {repository.root} commit -q --allow-empty -m theirs"
    configure(repository, f"echo run >> {repository.outside}/checks; [ -e {moved} ] || {{ {move}; }}")
    specs = add_specs(repository, "a", "b")

    states = finalize_together(repository, specs)

    assert [state.kind for state in states] == [Kind.COMPLETED, Kind.COMPLETED]
    # the commit that moved the target is empty, so that the tree is the one that was checked
    assert repository.git("log", "--first-parent", "-3", "--format=%s", "main").splitlines()[2] == "theirs"
    assert count_checks(repository) == 1


def test_a_stop_while_checks_run_leaves_all_to_the_next_run_and_no_agent_runs_again(repository: Repository) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks; [ -e {repository.outside}/go ] || sleep 1000")
    specs = add_specs(repository, "a", "b")

    def stop_soon(run: SpecRun) -> None:
        def stop() -> None:
            while not count_checks(repository):
                threading.Event().wait(0.02)
            run.stop.set()

        threading.Thread(target=stop).start()

    states = finalize_together(repository, specs, stop_soon)

    assert [state.kind for state in states] == [Kind.LANDING_WAITS, Kind.LANDING_WAITS]
    (repository.outside / "go").touch()
    assert [repository.work(spec).kind for spec in specs] == [Kind.COMPLETED, Kind.COMPLETED]
    assert [repository.count_runs(name) for name in "ab"] == [1, 1]
    repository.assert_no_traces()


def test_without_checks_what_is_ready_lands_too(repository: Repository) -> None:
    specs = add_specs(repository, "a", "b", "c")

    states = finalize_together(repository, specs)

    assert [state.kind for state in states] == [Kind.COMPLETED] * 3
    repository.assert_no_traces()


def stop_before_the_branch_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next move of a branch fails once its checkouts have moved, as where the disk is full just then."""

    def fail(move: PreparedMove) -> None:
        monkeypatch.undo()
        raise GitError(("update-ref",), 128, "no space left on device")

    monkeypatch.setattr(PreparedMove, "commit", fail)


def test_a_landing_of_several_that_stopped_halfway_is_finished_by_the_next_run_without_another_check(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks")
    specs = add_specs(repository, "a", "b")
    stop_before_the_branch_moves(monkeypatch)
    states = finalize_together(repository, specs)
    assert [state.kind for state in states] == [Kind.LANDING_WAITS, Kind.LANDING_WAITS]
    assert {path.name for path in repository.root.glob("*.txt")} == {"a.txt", "b.txt"}  # the checkout is ahead
    for spec in specs:
        with pytest.raises(RepositoryError, match="was landing, with others"):
            repository.discard(spec)

    repository.prepare()

    assert [repository.state(spec).kind for spec in specs] == [Kind.COMPLETED, Kind.COMPLETED]
    assert len([move for move in load_moves(repository) if move.startswith("chant: land")]) == 1
    assert count_checks(repository) == 1
    assert repository.status() == []
    repository.assert_no_traces()


def test_where_somebody_has_gone_on_with_one_of_them_the_other_is_checked_anew_and_nothing_is_lost(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(repository, f"echo run >> {repository.outside}/checks; ! grep -s bad *.txt")
    specs = add_specs(repository, "a", "b")
    stop_before_the_branch_moves(monkeypatch)
    finalize_together(repository, specs)
    away = repository.worktrees / "away"
    repository.git("worktree", "add", "-q", str(away), f"spec/{specs[1]}")
    (away / "b.txt").write_text("good, now\n")
    repository.git("commit", "-qam", "more", cwd=away)
    repository.git("worktree", "remove", str(away))

    repository.prepare()

    # what the checkout holds of the first try cannot be told from its user's changes any more
    assert [repository.state(spec).kind for spec in specs] == [Kind.COMPLETED, Kind.LANDING_WAITS]
    assert repository.files() & {"a.txt", "b.txt"} == {"a.txt"}
    assert repository.show("b.txt", f"spec/{specs[1]}") == "good, now\n"
