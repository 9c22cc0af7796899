"""Whether git ignores a spec's file: asked once for all of a run, and again once somebody has changed a pattern."""

from pathlib import Path

import pytest

from chant_tasks.git.ignored import IgnoredPaths
from chant_tasks.git.index import is_ignored
from chant_tasks.git.refs import apply_ref, may_have_refs
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.running import GitProcess
from chant_tasks.steps.attempt import find_free_number
from tests.integration.repository import Repository

_PATHS = (".chant/specs/a.md", ".chant/specs/b.md", ".chant/specs/c.md")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What git was started for, from now on."""
    commands: list[str] = []
    start = Git.start

    def note(self: Git, *arguments: str, **options: bool) -> GitProcess:
        commands.append(arguments[0])
        return start(self, *arguments, **options)

    monkeypatch.setattr(Git, "start", note)
    return commands


def test_git_is_asked_once_for_all_files_of_a_run(repository: Repository, asked: list[str]) -> None:
    git, ignored, another = Git(repository.top), IgnoredPaths(_PATHS), ".chant/specs/another.md"

    assert [ignored.has(git, path) for path in (*_PATHS, another, *_PATHS, another)] == [False] * 8
    assert asked == ["check-ignore"] * 2


@pytest.mark.parametrize("place", [".gitignore", ".chant/.gitignore", ".chant/specs/.gitignore", ".git/info/exclude"])
def test_a_pattern_that_comes_later_is_seen_and_one_that_goes(repository: Repository, place: str) -> None:
    git, ignored, file = Git(repository.top), IgnoredPaths(_PATHS), repository.top / place
    before = file.read_bytes() if file.exists() else b""

    def look() -> list[bool]:
        found = [ignored.has(git, path) for path in _PATHS]
        assert found == [is_ignored(git, path) for path in _PATHS]
        return found

    seen = [look()]
    file.write_bytes(before + b"b.md\n")
    seen.append(look())
    file.write_bytes(before)
    seen.append(look())

    assert seen == [[False] * 3, [False, True, False], [False] * 3]


def test_what_is_tracked_is_not_ignored_whenever_it_came_to_be_so(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "patterns").write_text("*.md\n")
    git, ignored = Git(repository.top), IgnoredPaths(_PATHS)
    seen = [ignored.has(git, _PATHS[0])]
    repository.git("config", "core.excludesFile", str(tmp_path / "patterns"))
    repository.write(_PATHS[0], "x\n")
    seen.append(ignored.has(git, _PATHS[0]))
    repository.git("add", "--force", _PATHS[0])
    seen.append(ignored.has(git, _PATHS[0]))
    repository.git("rm", "--quiet", "--cached", _PATHS[0])
    seen.append(ignored.has(git, _PATHS[0]))

    assert seen == [False, True, False, True]


def test_an_attempt_gets_no_number_that_git_keeps_work_under(repository: Repository) -> None:
    spec = repository.add_spec("a", "true")
    repository.commit("specs")
    run, kept = repository.prepare(spec), f"refs/chant/attempts/{spec}"
    found = [(may_have_refs(run.git, kept), find_free_number(run, spec))]
    for number, is_packed in ((3, False), (7, True)):
        apply_ref(run.git, f"{kept}/{number}", Oid(repository.tip()), None, "kept")
        if is_packed:
            repository.git("pack-refs", "--all", "--prune")
        found.append((may_have_refs(run.git, kept), find_free_number(run, spec)))

    assert found == [(False, 1), (True, 4), (True, 8)]
    assert not may_have_refs(run.git, kept[:-1])
