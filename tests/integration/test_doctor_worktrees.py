"""What a look at a repository finds of worktrees, and that mending removes none that holds anything of its own."""

from pathlib import Path

import pytest

from chant_tasks.doctor.model import Kind, Severity
from chant_tasks.git import worktrees
from chant_tasks.spec.model import SpecId
from tests.integration.doctor import find_one, look, mend, mend_one
from tests.integration.repository import Repository


@pytest.fixture
def spec_id(repository: Repository) -> SpecId:
    """A spec that nobody has worked."""
    spec_id = repository.add_spec("a")
    repository.write(".gitignore", "*.log\n")
    repository.commit()
    repository.prepare()
    return spec_id


@pytest.fixture
def left(repository: Repository, spec_id: SpecId) -> Path:
    """A worktree of the spec that no attempt knows of."""
    folder = repository.worktrees / f"chant-{spec_id}"
    repository.git("worktree", "add", "-q", "--detach", str(folder))
    return folder


def _registrations(repository: Repository) -> list[str]:
    return sorted(path.name for path in (repository.top / ".git").glob("worktrees/*"))


def test_a_worktree_that_nothing_needs_goes_where_it_holds_nothing_of_its_own(
    repository: Repository, spec_id: SpecId, left: Path
) -> None:
    mended = mend_one(repository)

    assert (mended.finding.kind, mended.finding.where, mended.is_done) == (Kind.WORKTREE, str(left), True)
    assert (left.exists(), _registrations(repository)) == (False, [])
    assert look(repository) == ()


@pytest.mark.parametrize("name", ["new.txt", "ignored.log", "README.md"])
def test_one_with_a_file_that_is_nowhere_else_stays(repository: Repository, left: Path, name: str) -> None:
    (left / name).write_text("work\n")

    mended = mend_one(repository)

    assert (mended.is_done, mended.words) == (False, f"it holds files that are nowhere else, such as {name}")
    assert (left / name).read_text() == "work\n"
    for command in mended.finding.todo:
        repository.shell(command)
    assert look(repository) == ()


def test_one_with_a_commit_that_is_nowhere_else_stays(repository: Repository, left: Path) -> None:
    repository.git("commit", "-q", "--allow-empty", "-m", "work", cwd=left)

    mended = mend_one(repository)

    assert (mended.is_done, left.is_dir()) == (False, True)
    assert mended.words.startswith("no branch holds its commit ")


def test_one_whose_git_file_is_gone_stays(repository: Repository, left: Path) -> None:
    (left / ".git").unlink()

    mended = mend_one(repository)

    assert (mended.is_done, mended.words, left.is_dir()) == (False, "it holds files that are nowhere else", True)
    repository.shell(mended.finding.todo[1])
    assert look(repository) == ()


def test_what_git_keeps_of_one_that_is_gone_goes(repository: Repository, left: Path) -> None:
    repository.shell(f"rm -r {left}")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done, _registrations(repository)) == (Kind.REGISTRATION, True, [])
    assert look(repository) == ()


def test_what_git_keeps_of_a_commit_of_one_that_is_gone_stays(repository: Repository, left: Path) -> None:
    repository.git("commit", "-q", "--allow-empty", "-m", "work", cwd=left)
    repository.shell(f"rm -r {left}")

    mended = mend_one(repository)

    assert (mended.is_done, _registrations(repository)) == (False, [left.name])


def test_one_that_git_did_not_finish_goes(repository: Repository, spec_id: SpecId) -> None:
    begun = repository.top / ".git" / "worktrees" / f"chant-{spec_id}"
    begun.mkdir(parents=True)
    (begun / "locked").write_text("initializing\n")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done, begun.exists()) == (Kind.REGISTRATION, True, False)


def test_one_that_was_moved_is_found_again_by_the_command_that_is_printed(repository: Repository, left: Path) -> None:
    moved = left.rename(left.with_name("chant-elsewhere"))

    found = {finding.where: finding for finding in look(repository)}
    repository.shell(found[str(moved)].todo[0])

    assert found[str(moved)].what == f"this worktree was moved: git looks for it at {left}"
    assert [finding.where for finding in look(repository)] == [str(moved)]
    assert str(moved) in repository.git("worktree", "list")


def test_one_that_git_has_forgotten_stays(repository: Repository, left: Path) -> None:
    repository.shell(f"rm -r .git/worktrees/{left.name}")

    mended = mend_one(repository)

    assert (mended.finding.what.partition(";")[0], mended.is_done) == ("git has forgotten this worktree", False)
    assert left.is_dir()


def test_what_a_killed_removal_left_goes(
    repository: Repository, spec_id: SpecId, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def die(folder: Path) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", die)
        with pytest.raises(Killed):
            worktrees.remove_worktree(repository.top / ".git", left)
    (half,) = repository.worktrees.iterdir()

    mended = mend(repository)

    assert {Path(found.finding.where).parent for found in mended} == {half.parent, repository.top / ".git"}
    assert all(found.is_done for found in mended), mended
    assert [*repository.worktrees.iterdir()] == []
    assert look(repository) == ()


def test_a_persons_worktree_that_is_away_is_only_noted(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")

    found = find_one(repository)

    assert (found.severity, found.kind, found.mend) == (Severity.NOTE, Kind.REGISTRATION, None)
    assert _registrations(repository) == ["mine"]


def test_a_persons_worktree_is_nothing_for_the_doctor(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "locked"))
    repository.git("worktree", "lock", str(tmp_path / "locked"))
    (tmp_path / "locked").rename(tmp_path / "away")

    assert look(repository) == ()


def test_another_clones_worktree_is_left_alone(repository: Repository, spec_id: SpecId, tmp_path: Path) -> None:
    repository.git("clone", "-q", str(repository.top), str(tmp_path / "clone"))
    folder = repository.worktrees / f"chant-{spec_id}"
    repository.git("worktree", "add", "-q", "--detach", str(folder), cwd=tmp_path / "clone")

    assert look(repository) == ()
