"""Forgetting a spec, and working it again."""

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.events import Ended
from chant_tasks.state import FORGOTTEN, Kind
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository


def test_a_forgotten_spec_is_worked_again_with_its_boxes_open(repository: Repository) -> None:
    script = 'cp "$CHANT_SPEC_FILE" seen-$(ls seen-* 2> /dev/null | wc -l)'
    spec_id = repository.add_spec("a", script)
    repository.commit()
    repository.work(spec_id)
    first = repository.spec(spec_id)

    assert repository.forget(spec_id) == f"forgetting {spec_id}"
    assert (repository.state(spec_id).kind, repository.state(spec_id).reason) == (
        Kind.READY,
        "forgotten, will be worked again",
    )
    assert repository.work(spec_id).kind is Kind.COMPLETED
    seen = repository.read("seen-1")
    assert "- [ ] it is done" in seen
    assert "status: pending" in seen
    assert "commits:" not in seen
    assert repository.spec(spec_id).commits != first.commits
    assert repository.count_runs("a") == 2
    assert repository.status() == []
    repository.assert_no_traces()


def test_a_forgotten_spec_that_was_stopped_says_so_and_is_listed_as_forgotten(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "exit 1")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)
    run = repository.prepare(spec_id)
    attempt = add_attempt(run, spec_id)
    assert isinstance(attempt, Attempt)
    run.stop.set()

    stopped = finalize(run, run_agent(run, attempt))

    said = next(event.text for event in reversed(repository.events) if isinstance(event, Ended))
    assert (stopped.reason, said) == ("interrupted, before anything was changed",) * 2
    assert repository.state(spec_id).reason == FORGOTTEN


def test_a_rerun_may_find_nothing_to_change(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.count_runs("a"), repository.state(spec_id).kind) == (2, Kind.COMPLETED)
    assert repository.status() == []
    repository.assert_no_traces()


def test_a_rerun_that_leaves_its_boxes_open_fails(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "test ! -e a.txt || exit 0\necho work > a.txt")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, '1 of 1 acceptance criterion is unticked: "it is done"')
    assert repository.state(spec_id) == state


def test_forgetting_touches_no_file_of_the_checkout(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    before = repository.read(repository.spec_path(spec_id))

    repository.forget(spec_id)

    assert repository.read(repository.spec_path(spec_id)) == before
    assert repository.status() == []


def test_a_colleagues_later_landing_is_believed_again(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)
    path = repository.spec_path(spec_id)
    completed_at = repository.spec(spec_id).completed_at
    assert completed_at is not None
    repository.write(path, repository.read(path).replace(completed_at, "2031-01-01T00:00:00Z"))

    assert repository.state(spec_id).kind is Kind.COMPLETED


def test_a_forgotten_spec_blocks_its_dependents_again(repository: Repository) -> None:
    first = repository.add_spec("a")
    second = repository.add_spec("b", keys=f"depends_on: [{first}]")
    repository.commit()
    repository.work(first)
    repository.forget(first)

    state = repository.state(second)

    assert (state.kind, state.reason) == (Kind.BLOCKED, "by a")


def test_a_failed_spec_is_ready_once_forgotten(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "exit 1")
    repository.commit()
    assert repository.work(spec_id).kind is Kind.FAILED

    repository.forget(spec_id)

    assert repository.state(spec_id).kind is Kind.READY


def test_work_that_did_not_land_is_not_forgotten(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.write("a.txt", "mine\n")
    assert repository.work(spec_id).kind is Kind.LANDING_WAITS

    with pytest.raises(RepositoryError, match="has work that did not land"):
        repository.forget(spec_id)


def test_work_that_is_completed_on_its_branch_is_not_forgotten(repository: Repository) -> None:
    spec_id = repository.add_spec("a", keys="branch: true")
    repository.write(".chant/config.md", "---\ndefaults:\n  branch: true\n---\n")
    repository.commit()
    assert repository.work(spec_id).kind is Kind.WAITING

    with pytest.raises(RepositoryError, match=r"(?s)completed on branch .*spec-land a.* or .*spec-discard a"):
        repository.forget(spec_id)


def test_a_forgotten_driver_is_finalized_again(repository: Repository) -> None:
    driver = repository.add_spec("d", None, keys="type: driver")
    member = repository.add_spec("d.1")
    repository.commit()
    repository.work(member)
    assert repository.work_driver(driver).kind is Kind.COMPLETED

    repository.forget(driver)

    assert repository.work_driver(driver).kind is Kind.COMPLETED
    assert repository.state(driver).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_rerun_that_waits_lands_later(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "date +%N > a.txt")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)
    repository.write("a.txt", "mine\n")

    assert repository.work(spec_id).kind is Kind.LANDING_WAITS
    repository.git("checkout", "--", "a.txt")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 2
    repository.assert_no_traces()
