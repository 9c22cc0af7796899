"""An agent that resolves the conflict of its own finished work, killed at every moment of it: nothing is lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending, Kind
from tests.integration.repository import TICK, Repository

# Works anew, or resolves where a merge is under way; notes each of its starts.
AGENT = f"""\
cat > /dev/null
echo run >> OUTSIDE/a.runs
{TICK}
if git rev-parse -q --verify MERGE_HEAD > /dev/null; then
  printf 'theirs\\nwork\\n' > README.md
  [ ! -e OUTSIDE/bad ] || printf '<<<<<<< HEAD\\n' >> README.md
  git add -A && git commit -q --no-edit
else
  echo work > README.md
fi
"""
MENDING = "chant_tasks.steps.mending"
BEFORE_THE_END = {
    "the try is written down": f"before:{MENDING}:add_worktree_of",
    "the worktree is registered": f"after:{MENDING}:add_worktree_of",
    "the merge is about to begin": "before:chant_tasks.steps.furnish:add_target",
    "the merge has begun": "after:chant_tasks.steps.furnish:add_target",
    "the agent is about to start": "before:chant_tasks.agents.supervise:run_agent",
}
AFTER_THE_END = {
    "the agent has ended": "after:chant_tasks.agents.supervise:run_agent",
    "its work is a commit": "after:chant_tasks.landing.save:save_work",
    "its work is on the branch": "after:chant_tasks.landing.save:save_branch",
    "the landing begins": "before:chant_tasks.steps.batch:land_batch",
}
GIVING_BACK = {
    "what it left is about to be kept": "before:chant_tasks.steps.cleanup:save_spares",
    "what it left is kept": "after:chant_tasks.steps.cleanup:save_spares",
    "the worktree is gone": "after:chant_tasks.steps.cleanup:remove_traces",
}


@pytest.fixture
def conflict(repository: Repository) -> SpecId:
    """A spec whose work conflicts with the target in README.md, and whose agent is to resolve that."""
    agent = repository.outside / "agent.sh"
    agent.write_text(AGENT.replace("OUTSIDE", str(repository.outside)))
    settings = f"providers: {{command: {{argv: [sh, {agent}]}}}}\non_conflict: agent"
    repository.write(".chant/config.md", f"---\n{settings}\n---\n")
    spec_id = repository.add_spec("a", None)
    repository.commit("spec")

    def commit() -> None:
        repository.write("README.md", "theirs\n")
        repository.commit("other")

    assert repository.work(spec_id, meanwhile=commit).is_mendable
    return spec_id


def _kill(repository: Repository, spec_id: SpecId, moment: str) -> None:
    done = subprocess.run(
        (sys.executable, "-m", "tests.integration.dying", str(repository.root), spec_id, moment),
        cwd=Path(__file__).parents[2],
        start_new_session=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("moment", [*BEFORE_THE_END.values()], ids=[*BEFORE_THE_END])
def test_a_try_that_was_killed_is_made_again_from_the_finished_work(
    repository: Repository, conflict: SpecId, moment: str
) -> None:
    finished = repository.tip(f"spec/{conflict}")

    _kill(repository, conflict, moment)
    repository.prepare()
    record, tip = repository.record(conflict), repository.tip(f"spec/{conflict}")

    assert (record.ending, record.conflict_tries, tip) == (Ending.CONFLICT, 0, finished)
    assert repository.work(conflict).kind is Kind.COMPLETED
    assert (repository.read("README.md"), repository.count_runs("a")) == ("theirs\nwork\n", 2)
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", [*AFTER_THE_END.values()], ids=[*AFTER_THE_END])
def test_what_an_agent_has_resolved_lands_without_another(
    repository: Repository, conflict: SpecId, moment: str
) -> None:
    _kill(repository, conflict, moment)

    state = repository.work(conflict)

    assert state.kind is Kind.COMPLETED, state
    assert (repository.read("README.md"), repository.count_runs("a")) == ("theirs\nwork\n", 2)
    repository.assert_no_traces()


@pytest.mark.parametrize("moment", [*GIVING_BACK.values()], ids=[*GIVING_BACK])
def test_a_try_that_was_not_accepted_is_kept_and_the_finished_work_is_on_its_branch_again(
    repository: Repository, conflict: SpecId, moment: str
) -> None:
    finished = repository.tip(f"spec/{conflict}")
    (repository.outside / "bad").touch()

    _kill(repository, conflict, moment)
    repository.prepare()

    assert repository.tip(f"spec/{conflict}") == finished
    assert (repository.record(conflict).ending, repository.record(conflict).conflict_tries) == (Ending.CONFLICT, 1)
    (kept,) = repository.refs(f"refs/chant/attempts/{conflict}/").values()
    assert "<<<<<<< HEAD" in repository.git("show", f"{kept}:README.md")
    repository.assert_no_traces(f"spec/{conflict}")
    (repository.outside / "bad").unlink()
    assert repository.work(conflict).kind is Kind.COMPLETED


def test_a_target_that_moves_again_is_merged_on_top_of_what_was_resolved(
    repository: Repository, conflict: SpecId
) -> None:
    def commit() -> None:
        repository.write("README.md", "theirs again\n")
        repository.commit("another")

    state = repository.work(conflict, meanwhile=commit)
    again = repository.work(conflict)

    assert state.is_mendable
    assert again.kind is Kind.COMPLETED
    assert repository.git("log", "--merges", "--oneline", "main").count("\n") == 2


def test_a_conflict_that_has_gone_by_itself_lands_without_an_agent(repository: Repository, conflict: SpecId) -> None:
    repository.git("revert", "--no-edit", "HEAD")

    assert repository.work(conflict).kind is Kind.COMPLETED
    assert (repository.read("README.md"), repository.count_runs("a")) == ("work\n", 1)
    repository.assert_no_traces()


def test_a_target_that_was_rewritten_leaves_its_conflict_to_a_person(repository: Repository, conflict: SpecId) -> None:
    repository.git("reset", "-q", "--soft", "HEAD~2")
    repository.commit("both in one")

    state = repository.work(conflict)

    assert (state.kind, repository.count_runs("a")) == (Kind.ATTENTION, 1)
    assert repository.git("show", f"spec/{conflict}:README.md") == "work"
