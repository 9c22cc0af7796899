"""Kinds of repositories: each is worked, or refused in one line before an agent starts, and nothing is lost."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chant_tasks.config import Isolation
from chant_tasks.errors import RepositoryError
from chant_tasks.git.runner import Answer, Git
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from tests.integration.repository import Repository

LOCAL = ("-c", "protocol.file.allow=always")


def _at(repository: Repository, top: Path) -> Repository:
    """Another checkout as the one that a person works in."""
    return Repository(top=top, root=top, worktrees=repository.worktrees, outside=repository.outside)


def _assert_works(repository: Repository, spec_id: SpecId, *, landed: str = "main") -> None:
    """The spec is worked, its work is in the checkout and on the branch, and nothing of ours is left."""
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.read("a.txt") == "work\n"
    assert repository.show("a.txt", landed) == "work\n"
    assert repository.status() == []
    repository.assert_no_traces()


def _assert_refused(repository: Repository, spec_id: SpecId) -> RepositoryError:
    """The refusal, in one line with a hint of one line, before anything was done."""
    with pytest.raises(RepositoryError) as raised:
        repository.work(spec_id)
    assert "\n" not in raised.value.reason
    assert "\n" not in raised.value.hint
    assert repository.count_runs("a") == 0
    assert list(repository.worktrees.iterdir()) == []
    return raised.value


def _clone_shallow(repository: Repository) -> Path:
    repository.commit("one more, so that there is something to leave out")
    repository.git("clone", "-q", "--depth=1", f"file://{repository.top}", "../clone")
    return repository.top.with_name("clone")


def _clone_shared(repository: Repository) -> Path:
    repository.git("clone", "-q", "--shared", ".", "../clone")
    return repository.top.with_name("clone")


def _separate_git_dir(repository: Repository) -> Path:
    repository.git("init", "-q", "--separate-git-dir", str(repository.outside / "elsewhere"))
    return repository.top


def _pack_refs(repository: Repository) -> Path:
    repository.git("pack-refs", "--all")
    return repository.top


def _work_in_submodule(repository: Repository) -> Path:
    upper = repository.outside / "upper"
    repository.git("init", "-q", str(upper))
    repository.git(*LOCAL, "submodule", "--quiet", "add", str(repository.top), "inner", cwd=upper)
    return upper / "inner"


def _use_bare_with_worktrees(repository: Repository) -> Path:
    folder = repository.outside / "bare"
    folder.mkdir()
    repository.git("clone", "-q", "--bare", str(repository.top), ".bare", cwd=folder)
    (folder / ".git").write_text("gitdir: ./.bare\n")
    repository.git("worktree", "add", "-q", "main", "main", cwd=folder)
    return folder / "main"


def _convert_line_ends(repository: Repository) -> Path:
    repository.write(".gitattributes", "*.txt text eol=crlf\n*.md text eol=lf\n")
    repository.commit()
    repository.git("config", "core.autocrlf", "true")
    return repository.top


def _touch_in_the_future(repository: Repository) -> Path:
    later = time.time() + 86_400
    for path in (repository.top / "README.md", repository.top / ".git" / "index"):
        os.utime(path, (later, later))
    return repository.top


WORKED: tuple[Callable[[Repository], Path], ...] = (
    _clone_shallow,
    _clone_shared,
    _separate_git_dir,
    _pack_refs,
    _work_in_submodule,
    _use_bare_with_worktrees,
    _touch_in_the_future,
)


@pytest.mark.parametrize("make", WORKED, ids=lambda make: make.__name__.strip("_"))
def test_a_spec_is_worked_and_lands_in(repository: Repository, make: Callable[[Repository], Path]) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()

    _assert_works(_at(repository, make(repository)), spec_id)


def test_line_ends_are_converted_as_the_repository_asks(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "printf 'one\\r\\ntwo\\r\\n' > a.txt")
    repository.commit()
    _convert_line_ends(repository)

    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.top / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert repository.show("a.txt") == "one\ntwo\n"
    assert repository.status() == []


def test_a_repository_with_sha256_ids_is_worked(tmp_path: Path, worktrees_here: None) -> None:
    top = tmp_path / "repository"
    repository = Repository(top=top, root=top, worktrees=tmp_path / "worktrees", outside=tmp_path / "outside")
    for folder in (top, repository.worktrees, repository.outside):
        folder.mkdir()
    repository.git("init", "-q", "-b", "main", "--object-format=sha256")
    repository.write("folder/gone.txt", "gone\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\nrm -r folder\ngit init -q inner\nrm -r inner")
    repository.commit()

    _assert_works(repository, spec_id)
    assert repository.files() == {"a.txt"}
    assert repository.git("fsck", "--full") == ""


@pytest.mark.parametrize("isolation", [Isolation.WORKTREE, Isolation.NONE])
@pytest.mark.parametrize("kind", ["--cone", "--no-cone"])
def test_a_sparse_checkout_stays_sparse(repository: Repository, kind: str, isolation: Isolation) -> None:
    repository.write(".chant/config.md", f"---\nisolation: {isolation.value}\n---\n")
    repository.write("within/old.txt", "old\n")
    repository.write("beyond/old.txt", "old\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\nmkdir -p beyond\necho new > beyond/new.txt")
    repository.commit()
    patterns = ("within", ".chant") if kind == "--cone" else ("/within/", "/.chant/", "/*.md", "/*.txt")
    repository.git("sparse-checkout", "set", kind, *patterns)

    _assert_works(repository, spec_id)
    assert not (repository.top / "beyond" / "old.txt").exists()
    assert repository.files() == {"README.md", "a.txt", "within/old.txt", "beyond/old.txt", "beyond/new.txt"}


@pytest.mark.parametrize("is_initialised", [True, False])
def test_a_checkout_with_submodules_keeps_them_as_they_are(repository: Repository, is_initialised: bool) -> None:
    library = repository.outside / "library"
    repository.git("clone", "-q", str(repository.top), str(library))
    repository.git(*LOCAL, "submodule", "--quiet", "add", str(library), "lib")
    spec_id = repository.add_spec("a")
    repository.commit()
    if not is_initialised:
        repository.git("submodule", "--quiet", "deinit", "lib")
    before = repository.git("submodule", "status")

    _assert_works(repository, spec_id)
    assert repository.git("submodule", "status") == before


def test_a_linked_worktree_is_a_checkout_like_any_other(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    start = repository.commit()
    repository.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = _at(repository, repository.top.with_name("linked"))

    _assert_works(linked, spec_id, landed="linked")
    assert repository.tip("main") == start
    assert repository.status() == []


def test_from_a_linked_worktree_a_landing_reaches_the_main_checkout(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = _at(repository, repository.top.with_name("linked"))

    assert linked.work(spec_id).kind is Kind.COMPLETED
    assert (repository.read("a.txt"), repository.status()) == ("work\n", [])


def test_a_landing_waits_where_git_does_not_say_which_checkout_it_would_leave_behind(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ndefaults: {main_branch: main}\n---\n")
    spec_id = repository.add_spec("a")
    start = repository.commit()
    _separate_git_dir(repository)
    repository.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = _at(repository, repository.top.with_name("linked"))

    state = linked.work(spec_id)

    place = repository.outside / "elsewhere"
    reason = f"the checkout of {place} has main, and git does not say where it is: run doit there, once"
    assert (state.kind, state.reason, repository.tip("main")) == (Kind.LANDING_WAITS, reason, start)
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert (repository.read("a.txt"), repository.status()) == ("work\n", [])


def test_the_branch_of_a_spec_that_another_worktree_has_is_left_to_it(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("worktree", "add", "-q", "../linked", "-b", f"spec/{spec_id}")

    state = repository.work(spec_id)

    assert (state.kind, repository.count_runs("a")) == (Kind.ATTENTION, 0)
    assert repository.git("status", "--porcelain", cwd=repository.top.with_name("linked")) == ""


def test_a_detached_head_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("switch", "-q", "--detach")

    assert _assert_refused(repository, spec_id).reason.startswith("HEAD is detached and no target branch is set: ")


def test_a_branch_without_a_commit_is_refused(repository: Repository) -> None:
    repository.commit()
    repository.git("switch", "-q", "--orphan", "empty")
    spec_id = repository.add_spec("a")

    reason = "the branch empty, which is checked out, has no commit yet: commit to it, or git switch to another"
    assert _assert_refused(repository, spec_id).reason == reason


def test_a_bare_repository_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    bare = repository.outside / "bare.git"
    repository.git("clone", "-q", "--bare", ".", str(bare))
    (repository.top / ".chant").rename(bare / ".chant")

    assert _assert_refused(_at(repository, bare), spec_id).reason == f"{bare} is a bare repository, without a checkout"


def test_the_folder_around_the_worktrees_of_a_bare_repository_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    around = _use_bare_with_worktrees(repository).parent
    (around / "main" / ".chant").rename(around / ".chant")

    reason = f"{around} is the folder of a bare repository, without a checkout"
    assert _assert_refused(_at(repository, around), spec_id).reason == reason


def test_a_git_file_that_leads_nowhere_is_refused(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    (repository.top / ".git").rename(repository.outside / "gone")
    (repository.top / ".git").write_text("gitdir: /nowhere\n")

    assert _assert_refused(repository, spec_id).reason == f"{repository.top / '.git'} leads to no git repository"


def test_a_filter_that_cannot_check_files_out_fails_the_spec_before_its_agent(repository: Repository) -> None:
    repository.write(".gitattributes", "*.bin filter=lfs\n")
    repository.write("large.bin", "a pointer\n")
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.git("config", "filter.lfs.smudge", "no-such-filter")
    repository.git("config", "filter.lfs.required", "true")

    state = repository.work(spec_id)

    assert (state.kind, repository.count_runs("a")) == (Kind.FAILED, 0)
    assert "large.bin: smudge filter lfs failed" in state.reason
    assert "\n" not in state.reason
    repository.assert_no_traces()


def test_pointers_without_a_filter_are_files_like_any_other(repository: Repository) -> None:
    repository.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    repository.write("large.bin", "a pointer\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\necho 'another pointer' > large.bin")
    repository.commit()

    _assert_works(repository, spec_id)


def test_names_that_differ_only_in_case_land(repository: Repository) -> None:
    repository.write("File.txt", "upper\n")
    if (repository.top / "fILE.TXT").exists():
        pytest.skip("this disk does not tell them apart")
    spec_id = repository.add_spec("a", "echo work > a.txt\necho lower > file.txt")
    repository.commit()

    _assert_works(repository, spec_id)
    assert (repository.read("File.txt"), repository.read("file.txt")) == ("upper\n", "lower\n")


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg", "post-checkout", "post-index-change", "post-merge"])
def test_a_hook_that_fails_keeps_nothing_from_landing(repository: Repository, hook: str) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _add_hook(repository, hook, "exit 1")

    _assert_works(repository, spec_id)


def test_a_hook_that_forbids_every_ref_fails_the_spec_before_its_agent(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    start = repository.commit()
    _add_hook(repository, "reference-transaction", 'test "$1" != prepared')

    state = repository.work(spec_id)

    assert (state.kind, repository.count_runs("a"), repository.tip("main")) == (Kind.FAILED, 0, start)
    assert "ref updates aborted by hook" in state.reason
    assert repository.status() == []


def test_what_a_hook_puts_where_work_adds_an_ignored_file_is_not_overwritten(repository: Repository) -> None:
    repository.write(".gitignore", "a.txt\n")
    spec_id = repository.add_spec("a", "echo work > a.txt\ngit add -f a.txt")
    repository.commit()
    place = repository.top / "a.txt"
    in_time = f"while read -r old new name; do test $name != refs/heads/main || echo precious > {place}; done"
    _add_hook(repository, "reference-transaction", f'test "$1" != prepared || {in_time}')

    state = repository.work(spec_id)

    assert (state.kind, repository.record(spec_id).paths) == (Kind.LANDING_WAITS, ("a.txt",))
    assert repository.read("a.txt") == "precious\n"
    assert repository.status() == []


def _add_hook(repository: Repository, name: str, script: str) -> None:
    hook = repository.top / ".git" / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


def test_many_refs_cost_no_more_calls_of_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = repository.add_spec("a"), repository.add_spec("b")
    commit = repository.commit()
    few = _count_calls(monkeypatch, lambda: repository.work(first))
    rows = [f"{commit} refs/tags/t{number:06}\n" for number in range(50_000)]
    packed = repository.top / ".git" / "packed-refs"
    packed.write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(rows))

    many = _count_calls(monkeypatch, lambda: repository.work(second))

    assert repository.state(second).kind is Kind.COMPLETED
    assert many <= few


def _count_calls(monkeypatch: pytest.MonkeyPatch, effect: Callable[[], State]) -> int:
    calls: list[tuple[str, ...]] = []
    run = Git.run

    def count(git: Git, *arguments: str, stdin: bytes | None = None, ok: tuple[int, ...] = (0,)) -> Answer:
        calls.append(arguments)
        return run(git, *arguments, stdin=stdin, ok=ok)

    with monkeypatch.context() as patch:
        patch.setattr(Git, "run", count)
        effect()
    return len(calls)


def test_a_clock_that_went_back_repeats_and_loses_nothing(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > a.txt\nexit 3")
    repository.commit()
    assert repository.work(spec_id).kind is Kind.FAILED
    record = repository.journal / "attempts" / spec_id / "1" / "record.json"
    record.write_text(record.read_text().replace('"20', '"21'))  # a hundred years from now

    repository.add_spec("a")
    assert repository.work(spec_id).kind is Kind.COMPLETED
    assert repository.record(spec_id).number == 2
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "work\n"


def test_a_spec_is_worked_while_another_git_has_the_index_for_a_moment(repository: Repository) -> None:
    lock = repository.top / ".git" / "index.lock"
    spec_id = repository.add_spec("a")
    repository.commit()
    holder = subprocess.Popen(("sh", "-c", f"sleep 1; rm {lock}"))

    lock.write_bytes(b"")
    _assert_works(repository, spec_id)
    assert holder.wait() == 0
