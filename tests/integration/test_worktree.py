"""The first step: where a worktree is made, what it holds, and what keeps it from being made."""

import os
from pathlib import Path

import pytest

from chant_tasks.state import Kind, State
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository, make_repository


def test_a_spec_is_worked_in_a_worktree_named_after_it(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "pwd > where.txt\ngit branch --show-current > branch.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("where.txt") == f"{repository.worktrees}/chant-{spec_id}\n"
    assert repository.read("branch.txt") == f"spec/{spec_id}\n"


def test_the_worktrees_name_holds_the_projects(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nproject: {name: shop}\n---\n")
    spec_id = repository.add_spec("a", "pwd > where.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("where.txt") == f"{repository.worktrees}/chant-shop-{spec_id}\n"


def test_worktrees_are_made_where_the_config_says(repository: Repository) -> None:
    repository.write(".chant/config.md", f"---\nworktrees: {{path: {repository.outside}/trees}}\n---\n")
    spec_id = repository.add_spec("a", "pwd > where.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("where.txt") == f"{repository.outside}/trees/chant-{spec_id}\n"
    assert list((repository.outside / "trees").iterdir()) == []


def test_a_branch_that_exists_is_refused_with_the_ways_on(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("branch", f"spec/{spec_id}")

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.ATTENTION, f"branch spec/{spec_id} exists already")
    assert [step.command.split()[1] for step in state.next] == ["spec-land", "spec-discard"]
    assert repository.count_runs("a") == 0


def test_a_folder_at_the_worktrees_path_is_not_touched(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    taken = repository.worktrees / f"chant-{spec_id}"
    taken.mkdir()
    (taken / "theirs").write_text("precious")

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, f"{taken} is there already")
    assert (taken / "theirs").read_text() == "precious"
    assert (repository.count_runs("a"), repository.refs("refs/heads/spec/")) == (0, {})


def test_an_old_empty_folder_at_the_worktrees_path_is_used(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    (repository.worktrees / f"chant-{spec_id}").mkdir()
    os.utime(repository.worktrees / f"chant-{spec_id}", (0, 0))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_branch_named_spec_fails_the_spec_and_says_why(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("branch", "spec")

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert "branch named spec" in state.reason
    assert "git branch -m spec" in state.reason
    assert repository.count_runs("a") == 0
    repository.git("branch", "-m", "spec", "other")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_another_repositorys_worktree_gets_out_of_the_way_by_a_suffix(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_repository(tmp_path / "other")
    spec_id = repository.add_spec("a", "pwd > where.txt")
    repository.commit()
    theirs = repository.worktrees / f"chant-{spec_id}"
    other.git("worktree", "add", "-q", str(theirs))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("where.txt").startswith(f"{theirs}-")
    assert theirs.is_dir()


def test_a_spec_that_was_never_committed_reaches_the_worktree(repository: Repository) -> None:
    spec_id = repository.add_spec("a", 'cp "$CHANT_SPEC_FILE" copy.txt', ticks=True)
    before = repository.read(repository.spec_path(spec_id))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("copy.txt") == before
    assert repository.spec(spec_id).status.value == "completed"
    assert repository.status() == []


def test_a_change_that_was_not_committed_reaches_the_worktree(repository: Repository) -> None:
    spec_id = repository.add_spec("a", 'cp "$CHANT_SPEC_FILE" copy.txt')
    repository.commit()
    path = repository.spec_path(spec_id)
    repository.write(path, repository.read(path).replace("Some words.", "Other words."))

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert "Other words." in repository.read("copy.txt")
    assert "Other words." in repository.show(path)
    assert repository.status() == []


def test_other_specs_are_in_the_worktree_as_committed(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "ls .chant/specs > listed.txt")
    other = repository.add_spec("b")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("listed.txt").split() == [f"{spec_id}.md", f"{other}.md"]


def test_ignored_files_that_worktreeinclude_names_are_copied(repository: Repository) -> None:
    repository.write(".gitignore", ".env\nsecrets/\n*.log\n")
    repository.write(".worktreeinclude", ".env\nsecrets/\n")
    repository.write(".env", "KEY=1\n")
    repository.write("secrets/deep/key", "2\n")
    repository.write("noise.log", "3\n")
    spec_id = repository.add_spec("a", "cat .env secrets/deep/key > copied.txt\ntest ! -e noise.log")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("copied.txt") == "KEY=1\n2\n"
    assert "secrets/deep/key" not in repository.files()


def test_ignored_files_that_the_config_includes_are_copied(repository: Repository) -> None:
    repository.write(".gitignore", ".env\n")
    repository.write(".chant/config.md", "---\nworktrees: {include: [.env]}\n---\n")
    repository.write(".env", "KEY=1\n")
    spec_id = repository.add_spec("a", "cp .env copied.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("copied.txt") == "KEY=1\n"


def test_the_setup_command_runs_in_the_worktree_before_the_agent(repository: Repository) -> None:
    repository.write(".gitignore", "made\n")
    repository.write(".chant/config.md", "---\nworktrees: {setup: 'pwd > made'}\n---\n")
    spec_id = repository.add_spec("a", "cp made seen.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("seen.txt") == f"{repository.worktrees}/chant-{spec_id}\n"


def test_a_setup_that_fails_fails_the_spec_before_its_agent(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nworktrees: {setup: 'echo no network >&2; exit 7'}\n---\n")
    spec_id = repository.add_spec("a")
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert state.reason.endswith("failed with status 7: no network")
    assert repository.count_runs("a") == 0
    repository.assert_no_traces()


def test_a_dependents_base_holds_its_dependencys_work(repository: Repository) -> None:
    first = repository.add_spec("a")
    second = repository.add_spec("b", "cp a.txt b.txt", keys=f"depends_on: [{first}]")
    repository.commit()
    run = repository.prepare(first, second)

    assert _kind(add_attempt(run, second)) is Kind.BLOCKED
    assert repository.work(first).kind is Kind.COMPLETED
    assert repository.work(second).kind is Kind.COMPLETED
    assert repository.read("b.txt") == "work\n"


def test_a_dependency_that_landed_during_the_run_is_seen(repository: Repository) -> None:
    first = repository.add_spec("a")
    second = repository.add_spec("b", "cp a.txt b.txt", keys=f"depends_on: [{first}]")
    repository.commit()
    run = repository.prepare(first, second)
    repository.work(first)

    attempt = add_attempt(run, second)

    assert not isinstance(attempt, State)
    assert (attempt.worktree / "a.txt").read_text() == "work\n"
    attempt.lock.release()


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_spec_that_is_done_is_not_worked(repository: Repository, status: str) -> None:
    spec_id = repository.add_spec("a", status=status)
    repository.commit()

    assert repository.work(spec_id).kind.value == status
    assert repository.count_runs("a") == 0


def test_an_agent_without_a_script_fails_before_a_worktree_is_made(repository: Repository) -> None:
    spec_id = repository.add_spec("a", None, keys="provider: script")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, "has no `run:`" in state.reason) == (Kind.FAILED, True)
    repository.assert_no_traces()


def test_a_projects_subfolder_is_where_its_agent_works(tmp_path: Path, worktrees_here: None) -> None:
    repository = make_repository(tmp_path, prefix="sub")
    spec_id = repository.add_spec("a", "pwd > where.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("where.txt") == f"{repository.worktrees}/chant-{spec_id}/sub\n"
    assert repository.show(f"sub/.chant/specs/{spec_id}.md").startswith("---\nstatus: completed\n")
    assert repository.status() == []
    repository.assert_no_traces()


def _kind(outcome: object) -> Kind:
    assert isinstance(outcome, State)
    return outcome.kind
