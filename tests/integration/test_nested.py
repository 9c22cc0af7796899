"""Worktrees and submodules inside a worktree: what an agent does there is saved, and refused by name."""

from pathlib import Path

import pytest

from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from tests.integration.repository import Repository

COMMIT = "git add -A && git commit -q -m 'my own words'"
UPDATE = "git -c protocol.file.allow=always submodule --quiet update --init lib"
ONLY_HERE = "the submodule lib is at a commit that only this worktree has"


def _add_library(repository: Repository) -> Path:
    library = repository.outside / "library"
    repository.git("init", "-q", "-b", "main", str(library))
    (library / "lib.txt").write_text("one\n")
    repository.git("add", "-A", cwd=library)
    repository.git("commit", "-q", "-m", "one", cwd=library)
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    repository.commit("library")
    return library


def _work_in_place(repository: Repository, spec_id: SpecId) -> Kind:
    repository.write(".chant/config.md", "---\nisolation: none\n---\n")
    repository.commit("config")
    return repository.work(spec_id).kind


@pytest.mark.parametrize("adds", ["true", "git add -A", "git add -A && git commit -q -m linked"])
def test_a_worktree_inside_the_worktree_is_saved_and_refused_by_name(repository: Repository, adds: str) -> None:
    spec_id = repository.add_spec("a", f"git worktree add -q sub -b other\necho precious > sub/uncommitted.txt\n{adds}")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "sub is a worktree of its own")
    kept = f"refs/chant/attempts/{spec_id}/1"
    assert repository.show("sub/uncommitted.txt", kept) == "precious\n"
    assert len(repository.git("worktree", "list").splitlines()) == 1
    repository.assert_no_traces()


def test_commits_that_only_an_inner_worktree_has_are_kept(repository: Repository) -> None:
    repository.write(".gitignore", "/.trees\n")
    inner = f"git worktree add -q --detach .trees/b && cd .trees/b && echo one > one.txt && {COMMIT} && cd ../.."
    spec_id = repository.add_spec("a", f"{inner}\necho work > a.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.files() == {".gitignore", "README.md", "a.txt"}
    [kept] = repository.refs(f"refs/chant/attempts/{spec_id}/")
    assert repository.show("one.txt", kept) == "one\n"
    assert len(repository.git("worktree", "list").splitlines()) == 1
    repository.assert_no_traces()


def test_worktrees_elsewhere_stay_registered(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "git worktree add -q sub -b other")
    repository.commit()
    repository.git("worktree", "add", "-q", str(repository.outside / "mine"), "-b", "mine")

    repository.work(spec_id)

    assert [line.split()[0] for line in repository.git("worktree", "list").splitlines()] == [
        str(repository.top),
        str(repository.outside / "mine"),
    ]


def test_worktrees_inside_each_other_are_saved(repository: Repository) -> None:
    script = (
        "git worktree add -q sub -b other\ngit -C sub worktree add -q inner -b third\necho deep > sub/inner/deep.txt"
    )
    spec_id = repository.add_spec("a", f"{script}\ngit add -A")
    repository.commit()

    state = repository.work(spec_id)

    assert state.reason == "sub is a worktree of its own; sub/inner is a worktree of its own"
    assert repository.show("sub/inner/deep.txt", f"refs/chant/attempts/{spec_id}/1") == "deep\n"
    repository.assert_no_traces()


def test_a_repository_whose_history_is_elsewhere_is_refused_by_name(repository: Repository) -> None:
    inner = (
        f"git init -q --separate-git-dir={repository.outside}/history inner && cd inner && echo deep > f && {COMMIT}"
    )
    spec_id = repository.add_spec("a", f"{inner} && cd ..")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "inner is a git repository of its own")
    assert repository.show("inner/f", f"refs/chant/attempts/{spec_id}/1") == "deep\n"


@pytest.mark.parametrize("adds", ["true", COMMIT])
def test_a_commit_inside_a_submodule_is_saved_and_refused_by_name(repository: Repository, adds: str) -> None:
    _add_library(repository)
    inside = f"cd lib && echo precious > work.txt && {COMMIT} && cd .."
    spec_id = repository.add_spec("a", f"{UPDATE}\n{inside}\n{adds}")
    start = repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, ONLY_HERE)
    assert repository.tip("main") == start
    prefix = f"refs/chant/attempts/{spec_id}/1"
    assert repository.show("work.txt", f"{prefix}-submodule-1") == "precious\n"
    assert repository.tip(f"{prefix}:lib") == repository.tip(f"{prefix}-submodule-1")
    repository.assert_no_traces()


def test_uncommitted_changes_of_a_submodule_are_saved_and_refused_by_name(repository: Repository) -> None:
    _add_library(repository)
    spec_id = repository.add_spec("a", f"{UPDATE}\necho two > lib/lib.txt\necho work > a.txt")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (Kind.FAILED, "the submodule lib has changes that were not committed")
    assert repository.show("lib.txt", f"refs/chant/attempts/{spec_id}/1-submodule-1") == "two\n"


def test_a_submodule_moved_to_a_commit_of_its_remote_lands(repository: Repository) -> None:
    library = _add_library(repository)
    (library / "lib.txt").write_text("two\n")
    repository.git("commit", "-q", "-a", "-m", "two", cwd=library)
    spec_id = repository.add_spec("a", f"{UPDATE}\ngit -C lib checkout -q origin/main")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.tip("main:lib") == repository.git("rev-parse", "HEAD", cwd=library)
    assert repository.refs(f"refs/chant/attempts/{spec_id}/") == {}
    repository.assert_no_traces()


def test_a_submodule_that_was_only_checked_out_lands(repository: Repository) -> None:
    _add_library(repository)
    spec_id = repository.add_spec("a", f"{UPDATE}\necho work > a.txt")
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    repository.assert_no_traces()


def test_a_new_submodule_lands(repository: Repository) -> None:
    library = _add_library(repository)
    add = f"git -c protocol.file.allow=always submodule --quiet add {library} second"
    spec_id = repository.add_spec("a", add)
    repository.commit()

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.tip("main:second") == repository.tip("main:lib")


def test_a_commit_inside_the_users_own_submodule_is_refused_and_stays_there(repository: Repository) -> None:
    _add_library(repository)
    spec_id = repository.add_spec("a", f"cd lib && echo precious > work.txt && {COMMIT}\ncd ..")

    assert _work_in_place(repository, spec_id) is Kind.FAILED
    assert repository.record(spec_id).reason == ONLY_HERE
    assert (repository.top / "lib" / ".git").is_file()
    assert repository.read("lib/work.txt") == "precious\n"


def test_a_worktree_inside_the_users_own_checkout_is_refused_and_stays(repository: Repository) -> None:
    spec_id = repository.add_spec(
        "a", "git worktree add -q sub -b other\necho precious > sub/uncommitted.txt\necho a > a.txt\ngit add sub"
    )
    repository.write(".gitignore", "/mine\n")
    repository.git("worktree", "add", "-q", "mine", "-b", "mine")
    (repository.top / "mine" / "own.txt").write_text("own\n")

    assert _work_in_place(repository, spec_id) is Kind.FAILED
    assert repository.record(spec_id).reason == "sub is a worktree of its own"
    assert repository.read("mine/own.txt") == "own\n"
    assert repository.git("status", "--porcelain", cwd=repository.top / "mine") == "?? own.txt"
    found = [*repository.top.rglob("uncommitted.txt")]
    assert [path.read_text() for path in found] == ["precious\n"]
