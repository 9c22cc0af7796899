"""How often git is started for a plain spec: each start costs more than most of what git is asked."""

from collections import Counter

import pytest

from chant_tasks.git.runner import Git
from chant_tasks.git.running import GitProcess
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository

_MOST = 12  # from claim to landing; what an agent starts is its own


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often git was started, by its command."""
    counted = Counter[str]()
    start = Git.start

    def count(git: Git, *arguments: str, **options: bool) -> GitProcess:
        counted[" ".join(arguments[:2])] += 1
        return start(git, *arguments, **options)

    monkeypatch.setattr(Git, "start", count)
    return counted


def test_a_plain_spec_starts_git_a_few_times(repository: Repository, starts: Counter[str]) -> None:
    script = "echo work > {name}.txt; git add {name}.txt; git commit -qm work"
    specs = tuple(repository.add_spec(name, script, criteria=()) for name in ("a", "b"))
    repository.commit("specs")
    run = repository.prepare(*specs)
    assert _work(run, specs[0]) is Kind.COMPLETED  # what a run asks once is asked
    starts.clear()

    assert _work(run, specs[1]) is Kind.COMPLETED

    assert starts.total() <= _MOST, starts


def _work(run: SpecRun, spec: SpecId) -> Kind:
    attempt = add_attempt(run, spec)
    assert isinstance(attempt, Attempt), attempt
    return finalize(run, run_agent(run, attempt)).kind
