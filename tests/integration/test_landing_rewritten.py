"""Landing on a target whose user has rewritten it while an agent worked: what was dropped stays dropped."""

from collections.abc import Callable

import pytest

from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.integration.repository import Repository

COMMIT = "git add -A && git commit -q -m 'my own words'"
NOTICE = "main was rewritten while it was worked: landed as one commit"


def _spec(repository: Repository, script: str = f"echo work > a.txt\n{COMMIT}") -> SpecId:
    spec_id = repository.add_spec("a", script)
    repository.write("shared.txt", "one\n")
    repository.commit("spec")
    repository.write("secret.txt", "secret\n")
    repository.commit("secret")
    return spec_id


def _amend(repository: Repository) -> None:
    repository.git("rm", "-q", "secret.txt")
    repository.write("new.txt", "new\n")
    repository.git("add", "-A")
    repository.git("commit", "-q", "--amend", "-m", "amended")


def _reset(repository: Repository) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")


def _rebase(repository: Repository) -> None:
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.write("below.txt", "below\n")
    repository.commit("below")
    repository.git("cherry-pick", "ORIG_HEAD")
    repository.git("rm", "-q", "secret.txt")
    repository.commit("not any more")


@pytest.mark.parametrize("rewrite", [_amend, _reset, _rebase])
def test_what_the_user_dropped_from_the_target_stays_dropped(
    repository: Repository, rewrite: Callable[[Repository], None]
) -> None:
    spec_id = _spec(repository)
    dropped = repository.tip()

    state = repository.work(spec_id, lambda: rewrite(repository))

    assert state.kind is Kind.COMPLETED
    assert "secret.txt" not in repository.files()
    assert {"a.txt", "shared.txt"} <= repository.files()
    assert dropped not in repository.git("rev-list", "main").splitlines()
    assert len(repository.git("rev-list", "-1", "--parents", "main").split()) == 2
    assert NOTICE in repository.notices()
    assert repository.status() == []
    repository.assert_no_traces()


def test_the_agents_commits_are_recorded_and_kept_without_those_that_were_dropped(repository: Repository) -> None:
    spec_id = _spec(repository)

    repository.work(spec_id, lambda: _reset(repository))

    kept = repository.tip(f"refs/chant/attempts/{spec_id}/1")
    [first, second] = repository.spec(spec_id).commits
    assert kept.startswith(second)
    assert repository.git("log", "-1", "--format=%s", first) == "my own words"


def test_work_that_contradicts_the_rewritten_target_is_a_conflict(repository: Repository) -> None:
    spec_id = _spec(repository, "echo work > shared.txt")

    def rewrite() -> None:
        _reset(repository)
        repository.write("shared.txt", "theirs\n")
        repository.commit("theirs")

    state = repository.work(spec_id, rewrite)

    assert (state.kind, state.reason) == (Kind.ATTENTION, "conflicts with main: shared.txt")
    assert repository.files() == {"README.md", "shared.txt"}


@pytest.mark.parametrize("way", ["merge", "rebase"])
def test_a_branch_that_a_person_brought_up_to_the_rewritten_target_lands(repository: Repository, way: str) -> None:
    spec_id = _spec(repository, "echo work > shared.txt")

    def rewrite() -> None:
        _reset(repository)
        repository.write("shared.txt", "theirs\n")
        repository.commit("theirs")

    repository.work(spec_id, rewrite)
    repository.git("switch", "-q", f"spec/{spec_id}")
    if way == "merge":
        repository.git("merge", "-q", "main", ok=(1,))
    else:
        repository.git("rebase", "-q", "--onto", "main", "HEAD~1", ok=(1,))
    repository.write("shared.txt", "both\n")
    repository.git("add", "-A")
    repository.git("-c", "core.editor=true", way, "--continue")
    repository.git("switch", "-q", "main")

    assert repository.land(spec_id).kind is Kind.COMPLETED
    assert repository.read("shared.txt") == "both\n"
    assert "secret.txt" not in repository.files()
    assert (NOTICE in repository.notices()) == (way == "merge")
    repository.assert_no_traces()


def test_a_dropped_change_to_another_spec_is_not_judged_as_the_agents(repository: Repository) -> None:
    spec_id = _spec(repository)
    other = repository.add_spec("b")
    repository.commit("another spec")
    path = repository.spec_path(other)
    repository.write(path, repository.read(path) + "more\n")
    repository.commit("more of it")

    assert repository.work(spec_id, lambda: _reset(repository)).kind is Kind.COMPLETED
    assert "more" not in repository.show(path)


def test_a_target_that_only_went_on_gets_a_merge(repository: Repository) -> None:
    spec_id = _spec(repository)

    def go_on() -> None:
        repository.write("new.txt", "new\n")
        repository.commit("new")

    assert repository.work(spec_id, go_on).kind is Kind.COMPLETED
    assert len(repository.git("rev-list", "-1", "--parents", "main").split()) == 3
    assert repository.notices() == []
    assert repository.refs(f"refs/chant/attempts/{spec_id}/") == {}


def test_a_landing_that_waited_lands_on_the_rewritten_target(repository: Repository) -> None:
    spec_id = _spec(repository)

    def rewrite() -> None:
        _reset(repository)
        repository.write("a.txt", "mine\n")

    assert repository.work(spec_id, rewrite).kind is Kind.LANDING_WAITS
    (repository.top / "a.txt").unlink()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.count_runs("a") == 1
    assert repository.files() == {"README.md", "shared.txt", "a.txt"}
    assert repository.tip(f"refs/chant/attempts/{spec_id}/1")
    repository.assert_no_traces()


def test_a_rewrite_below_sequential_work_stays(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nisolation: none\n---\n")
    spec_id = _spec(repository)

    def rewrite() -> None:
        repository.git("update-ref", "refs/heads/main", "main~1")

    assert repository.work(spec_id, rewrite).kind is Kind.COMPLETED
    assert repository.files() == {"README.md", "shared.txt", "a.txt"}
    assert repository.status() == []
