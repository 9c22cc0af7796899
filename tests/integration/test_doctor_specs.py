"""What a look at a repository finds where specs' files, refs and the journal contradict each other."""

import pytest

from chant_tasks.doctor.model import Kind, Severity
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind as StateKind
from tests.integration.doctor import find_one, look, mend_one
from tests.integration.repository import Repository

GONE = "2026-01-01-001-gone"


@pytest.fixture
def landed(repository: Repository) -> SpecId:
    """A spec that has landed."""
    spec_id = repository.add_spec("a")
    repository.commit()
    assert repository.work(spec_id).kind is StateKind.COMPLETED
    return spec_id


def _make_commit(repository: Repository) -> str:
    """A commit that no ref holds."""
    return repository.git("commit-tree", "-m", "work", "HEAD^{tree}", "-p", "HEAD")


def test_a_ref_of_a_spec_that_is_gone_stays_where_nothing_else_holds_it(repository: Repository) -> None:
    commit = _make_commit(repository)
    repository.git("update-ref", f"refs/chant/attempts/{GONE}/2", commit)

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.finding.spec, mended.is_done) == (Kind.REF, GONE, False)
    assert mended.finding.todo[0] == f"doit spec-attempts --restore {GONE}/2"
    assert repository.refs("refs/chant/") == {f"refs/chant/attempts/{GONE}/2": commit}
    repository.shell(mended.finding.todo[1])
    assert look(repository) == ()


@pytest.mark.parametrize("name", [f"refs/chant/attempts/{GONE}/2-branch", f"refs/chant/landing/{GONE}"])
def test_a_ref_of_a_spec_that_is_gone_goes_where_the_target_holds_its_commit(repository: Repository, name: str) -> None:
    repository.git("update-ref", name, "HEAD")

    mended = mend_one(repository)

    assert mended.is_done, mended.words
    assert repository.refs("refs/chant/") == {}
    repository.shell(mended.words.partition("back with: ")[2])
    assert repository.refs("refs/chant/") == {name: repository.tip()}


def test_a_spec_that_is_on_the_target_alone_is_not_gone(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt\nexit 3")
    repository.git("branch", "-q", "older")
    repository.commit()
    repository.write(".chant/config.md", "---\ndefaults:\n  main_branch: main\n---\n")
    repository.work(spec_id)
    repository.git("switch", "-q", "older")

    assert look(repository) == ()


def test_a_landings_ref_that_never_landed_stays(repository: Repository, landed: SpecId) -> None:
    commit = _make_commit(repository)
    repository.git("update-ref", f"refs/chant/landing/{landed}", commit)

    mended = mend_one(repository)

    assert (mended.finding.what, mended.is_done) == ("a landing's commit is kept that never landed", False)
    assert repository.refs("refs/chant/landing/") == {f"refs/chant/landing/{landed}": commit}


def test_the_branch_of_a_completed_spec_goes_once_all_of_it_has_landed(repository: Repository, landed: SpecId) -> None:
    repository.git("branch", f"spec/{landed}", "HEAD")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done) == (Kind.BRANCH, True)
    assert repository.refs("refs/heads/spec/") == {}


def test_one_that_is_checked_out_stays(repository: Repository, landed: SpecId) -> None:
    repository.git("branch", f"spec/{landed}", "HEAD")
    repository.git("worktree", "add", "-q", str(repository.outside / "mine"), f"spec/{landed}")

    mended = mend_one(repository)

    assert (mended.is_done, mended.words) == (False, f"it is checked out in {repository.outside / 'mine'}")


def test_one_with_commits_that_have_not_landed_stays(repository: Repository, landed: SpecId) -> None:
    repository.git("branch", f"spec/{landed}", _make_commit(repository))

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done) == (Kind.BRANCH, False)
    assert mended.finding.todo[0] == f"git log main..spec/{landed}"


def test_an_attempt_whose_ref_is_gone_is_said(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt\ngit add -A\ngit commit -qm half\nexit 3")
    repository.commit()
    repository.work(spec_id)
    ref, commit = f"refs/chant/attempts/{spec_id}/1", repository.tip(f"refs/chant/attempts/{spec_id}/1")
    repository.git("update-ref", "-d", ref)

    found = find_one(repository)

    assert (found.kind, found.where, found.spec) == (Kind.REF, ref, spec_id)
    repository.shell(found.todo[0])
    assert repository.show("a.txt", ref) == "half\n"
    assert look(repository) == ()
    assert repository.tip(ref) in (commit, repository.record(spec_id).own_head)


def test_a_spec_that_says_completed_without_its_work_is_said(repository: Repository) -> None:
    commit = _make_commit(repository)[:7]
    keys = f"commits: [{commit}]\ncompleted_at: 2026-01-01T00:00:00Z"
    spec_id = repository.add_spec("a", status="completed", keys=keys)
    repository.commit()

    found = find_one(repository)

    assert (found.kind, found.spec, found.severity) == (Kind.SPEC, spec_id, Severity.PROBLEM)
    assert found.what == f"its file says completed, and none of its commits is on main: {commit}"


def test_one_whose_branch_was_squashed_is_believed(repository: Repository) -> None:
    spec_id = repository.add_spec("a", keys="branch: true")
    repository.commit()
    assert repository.work(spec_id).kind is StateKind.WAITING
    repository.git("merge", "-q", "--squash", f"chant/{spec_id}")
    repository.git("commit", "-qm", "Words of a reviewer's own")
    repository.git("branch", "-qD", f"chant/{spec_id}")

    assert look(repository) == ()


def test_one_that_a_person_has_completed_by_hand_is_believed(repository: Repository, landed: SpecId) -> None:
    repository.add_spec("b", status="completed")
    repository.commit()

    assert look(repository) == ()


def test_commits_that_a_squash_has_dropped_are_only_noted(repository: Repository, landed: SpecId) -> None:
    text = repository.read(repository.spec_path(landed))
    repository.write(repository.spec_path(landed), text.replace("commits:\n", "commits:\n- abcdef1\n"))
    repository.commit()

    found = find_one(repository)

    assert (found.severity, found.what) == (Severity.NOTE, "its file names commits that git does not have: abcdef1")


def test_a_shallow_clone_says_nothing_of_commits_that_it_lacks(repository: Repository, landed: SpecId) -> None:
    for number in range(3):
        repository.commit(f"later {number}")
    clone = repository.outside / "clone"
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.top}", str(clone))

    assert look(Repository(top=clone, root=clone, worktrees=repository.worktrees, outside=repository.outside)) == ()


def test_a_file_that_is_pending_here_and_completed_on_the_target_is_said(
    repository: Repository, landed: SpecId
) -> None:
    path = repository.spec_path(landed)
    repository.write(path, repository.read(path).replace("status: completed", "status: pending"))

    found = find_one(repository)

    assert found.what == "its file here says pending, and main has it as completed, which counts"
    repository.shell(found.todo[0])
    assert look(repository) == ()


def test_an_older_branch_that_is_checked_out_is_not_held_against_the_target(
    repository: Repository, landed: SpecId
) -> None:
    repository.write(".chant/config.md", "---\ndefaults:\n  main_branch: main\n---\n")
    repository.commit("the target has a name")
    repository.git("switch", "-q", "--detach", f"{repository.tip()}~2")
    repository.write(".chant/config.md", "---\ndefaults:\n  main_branch: main\n---\n")

    assert look(repository) == ()


def test_a_file_that_says_pending_after_its_landing_is_said(repository: Repository, landed: SpecId) -> None:
    landing, path = repository.tip(), repository.spec_path(landed)
    repository.write(path, repository.read(path).replace("status: completed", "status: pending"))
    repository.commit("the wrong side of a conflict")

    found = find_one(repository)

    assert found.what == f"its file says pending, and its work landed on main as {landing[:12]}"
    repository.shell(found.todo[0])
    repository.commit()
    assert look(repository) == ()


def test_a_landing_that_was_reverted_is_pending_for_good_reason(repository: Repository, landed: SpecId) -> None:
    repository.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert look(repository) == ()
    repository.git("revert", "--no-edit", "HEAD")  # and taken back again

    assert repository.state(landed).kind is StateKind.COMPLETED
    assert look(repository) == ()


def test_a_file_that_says_completed_after_its_landing_was_reverted_is_said(
    repository: Repository, landed: SpecId
) -> None:
    path = repository.spec_path(landed)
    text = repository.read(path)
    repository.git("revert", "--no-edit", "-m", "1", "HEAD")
    repository.write(path, text)
    repository.commit("only the file")

    assert find_one(repository).what == "its file says completed, and its landing was taken back on main (git revert)"


def test_what_was_forgotten_contradicts_nothing(repository: Repository, landed: SpecId) -> None:
    repository.forget(landed)

    assert look(repository) == ()


def test_a_file_that_git_ignores_is_held_against_the_landing(repository: Repository) -> None:
    repository.write(".gitignore", ".chant/specs/*.md\n")
    spec_id = repository.add_spec("a")
    repository.commit()
    assert repository.work(spec_id).kind is StateKind.COMPLETED
    assert look(repository) == ()
    path = repository.spec_path(spec_id)
    repository.write(path, repository.read(path).replace("status: completed", "status: pending"))

    found = find_one(repository)

    assert (found.spec, found.todo[0]) == (spec_id, "set `status: completed` in it")
