"""The pool of worktrees: one that is used again is as a new one, and whatever dies in between leaves nothing."""

import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from chant_tasks.doctor.model import Severity
from chant_tasks.git.refs import find_commit
from chant_tasks.git.runner import Git
from chant_tasks.git.worktrees import find_git_dir
from chant_tasks.pool.conditions import load_conditions, load_stamp
from chant_tasks.pool.park import apply_tidying
from chant_tasks.pool.pool import Pool
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from chant_tasks.steps.agent import run_agent
from chant_tasks.steps.attempt import Attempt
from chant_tasks.steps.finalize import finalize
from chant_tasks.steps.parking import close_pool
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.worktree import add_attempt
from tests.conftest import forget_environment
from tests.integration.doctor import find_one, look, mend_one
from tests.integration.repository import Repository
from tests.processes import wait_until

_NOT_COMPARED = (".git", "gitdir", "index", "logs", "ORIG_HEAD", "chant-index", "chant-standing", "HEAD")

# What an agent may do to a worktree, and to what git keeps of it, each without a trace in what it commits.
_MISDEEDS = {
    "to files": """
        touch -r a.txt time && echo AAAA > a.txt && touch -r time a.txt && rm time
        chmod 600 c.txt && chmod 700 deep
        mkdir -p ignored-things empty/very && echo x > ignored-things/x && echo x > deep/ignored-here
        mv deep/more deep/less && git checkout -q -- deep
        ln e.txt "$TMPDIR/also-e.txt"
        git init -q ignored-repository && touch ignored-repository/x
        echo '* text eol=crlf' > .gitattributes && rm d.txt && git checkout -q d.txt && rm .gitattributes
    """,
    "to the index": """
        git update-index --assume-unchanged a.txt && echo evil > a.txt
        git update-index --skip-worktree c.txt && echo evil > c.txt
        git update-index --chmod=+x d.txt && git rm -q --cached e.txt
        git add --intent-to-add "$CHANT_SPEC_FILE" || true
    """,
    "to git's own files": """
        git bisect start && git bisect bad HEAD && git update-ref refs/worktree/mine HEAD
        git worktree lock . && echo note > "$(git rev-parse --git-path MERGE_HEAD)"
        mkdir -p "$(git rev-parse --git-path info)" && echo /a.txt > "$(git rev-parse --git-path info/sparse-checkout)"
    """,
    "that git does not see": """
        chmod g+s deep && chmod 555 deep/more && mkfifo pipe deep/pipe && mkdir -p only/pipes && mkfifo only/pipes/one
        d=$(git rev-parse --absolute-git-dir) && echo '../.././' > "$d/commondir"
    """,
    "to folders": """
        rm -r deep && mkdir "$TMPDIR/elsewhere" && ln -s "$TMPDIR/elsewhere" deep
        rm .git && echo "gitdir: $(git -C . rev-parse --git-common-dir 2> /dev/null || true)" > c.txt
    """,
}


_PREPARE_NEXT = Pool.prepare_next


@pytest.fixture(autouse=True)
def nobody_prepares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test does is done."""
    monkeypatch.setattr(Pool, "prepare_next", lambda _: None)


def _add(run: SpecRun, spec: SpecId) -> Attempt:
    attempt = add_attempt(run, spec)
    assert isinstance(attempt, Attempt), attempt
    return attempt


def _work(run: SpecRun, spec: SpecId) -> State:
    return finalize(run, run_agent(run, _add(run, spec)))


def _find_parked(repository: Repository) -> list[Path]:
    return [path for folder in repository.worktrees.glob("chant-pool-*") for path in folder.iterdir()]


def _find_worktrees(repository: Repository) -> list[str]:
    return repository.git("worktree", "list", "--porcelain").splitlines()


def _load_tree(folder: Path) -> Mapping[str, tuple[str, bytes]]:
    """All below a folder: mode, and what is in it. The worktree's own root is for its owner alone."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/")[0] in _NOT_COMPARED:
            continue
        held = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[name] = (stat.filemode(path.lstat().st_mode), held)
    return found


def _load_place(attempt: Attempt) -> tuple[object, ...]:
    """Everything that an agent can see of its worktree."""
    folder = attempt.worktree
    admin = Path((folder / ".git").read_text().removeprefix("gitdir: ").strip())
    status = subprocess.run(
        ("git", "status", "--porcelain", "--ignored", "--untracked-files=all"),
        cwd=folder,
        capture_output=True,
        text=True,
    )
    flags = subprocess.run(("git", "ls-files", "-v", "-f", "-s"), cwd=folder, capture_output=True, text=True)
    head = (admin / "HEAD").read_text()
    return (
        stat.filemode(folder.stat().st_mode),
        admin.name == folder.name,
        head == f"ref: refs/heads/{attempt.record.branch}\n",
        status.stdout + status.stderr,
        flags.stdout.splitlines(),
        _load_tree(folder),
        sorted(_load_tree(admin)),
    )


def _write_files(repository: Repository) -> None:
    for name in "acde":
        repository.write(f"{name}.txt", f"{name * 4}\n")
    repository.write("deep/b.txt", "b\n")
    repository.write("deep/more/run.sh", "true\n").chmod(0o755)
    repository.write(".gitignore", "ignored*\n")


@pytest.mark.parametrize("misdeed", _MISDEEDS.values(), ids=_MISDEEDS)
def test_a_worktree_that_is_used_again_is_as_a_new_one(repository: Repository, misdeed: str) -> None:
    _write_files(repository)
    script = f"echo work > work.txt\ngit add work.txt && git commit -qm work\n{dedent(misdeed)}\nexit 3"
    evil, next_one, other = (
        repository.add_spec("evil", script),
        repository.add_spec("next"),
        repository.add_spec("other"),
    )
    repository.commit()
    run = repository.prepare(evil, next_one)
    assert _work(run, evil).kind is Kind.FAILED
    assert len(_find_parked(repository)) == 1
    assert len([line for line in _find_worktrees(repository) if line.startswith("worktree")]) == 1

    again = _add(run, next_one)
    fresh = _add(replace(run, pool=Pool()), other)

    assert _find_parked(repository) == []
    assert _load_place(again) == _load_place(fresh)


@pytest.mark.parametrize("folder", [".", "deep"])
def test_a_worktree_with_a_folder_that_has_attributes_is_not_used_again(repository: Repository, folder: str) -> None:
    _write_files(repository)
    script = f"python3 -c \"import os; os.setxattr('{folder}', 'user.note', b'evil')\""
    first, second = repository.add_spec("first", script), repository.add_spec("second")
    repository.commit()
    run = repository.prepare(first, second)
    attempt = run_agent(run, _add(run, first))
    assert os.listxattr(attempt.worktree / folder) == ["user.note"]

    finalize(run, attempt)

    assert (_find_parked(repository), attempt.worktree.exists()) == ([], False)


def test_a_worktree_with_folders_that_are_too_deep_or_closed_goes(repository: Repository) -> None:
    deep = "python3 -c \"import os; [(os.mkdir('a'), os.chdir('a')) for _ in range(1200)]\""
    spec_id = repository.add_spec("deep", f"{deep}\nmkdir closed; touch closed/x; chmod 000 closed\nexit 3")
    repository.commit()
    run = repository.prepare(spec_id)

    try:
        state = _work(replace(run, pool=Pool()), spec_id)
        assert (state.kind, list(repository.worktrees.iterdir())) == (Kind.FAILED, [])
    finally:  # pytest itself could not remove it
        subprocess.run(("rm", "-rf", str(repository.worktrees)), check=True)


def test_a_worktree_in_which_a_process_goes_on_is_not_used_again(repository: Repository) -> None:
    _write_files(repository)
    first, second = repository.add_spec("first"), repository.add_spec("second")
    repository.commit()
    run = repository.prepare(first, second)
    attempt = run_agent(run, _add(run, first))
    with subprocess.Popen(("sleep", "60"), cwd=attempt.worktree) as left:
        state = finalize(run, attempt)
        left.kill()

    assert state.kind is Kind.COMPLETED
    assert (_find_parked(repository), attempt.worktree.exists()) == ([], False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_worktree_that_a_container_has_mounted_is_not_used_again(repository: Repository, tmp_path: Path) -> None:
    first, second = repository.add_spec("first"), repository.add_spec("second")
    repository.commit()
    run = repository.prepare(first, second)
    attempt = run_agent(run, _add(run, first))
    (tmp_path / "app").mkdir()
    script = 'mount --bind "$1" "$2" && echo there && exec sleep 60'
    argv = ("unshare", "--mount", "sh", "-c", script, "sh", str(attempt.worktree), str(tmp_path / "app"))
    with subprocess.Popen(argv, cwd="/", stdout=subprocess.PIPE) as container:
        assert container.stdout is not None
        assert container.stdout.readline() == b"there\n"
        state = finalize(run, attempt)
        container.kill()

    assert state.kind is Kind.COMPLETED
    assert (_find_parked(repository), attempt.worktree.exists()) == ([], False)


def test_one_that_is_parked_follows_the_target_and_its_attributes(repository: Repository) -> None:
    _write_files(repository)
    specs = [repository.add_spec(name) for name in ("one", "two", "three", "four")]
    repository.commit()
    run = repository.prepare(*specs)
    _work(run, specs[0])
    repository.write("a.txt", "new\n")
    moved = repository.commit()
    two = _add(run, specs[1])
    assert (two.record.base, (two.worktree / "a.txt").read_text(), _find_parked(repository)) == (moved, "new\n", [])
    finalize(run, run_agent(run, two))
    repository.write(".gitattributes", "*.txt text eol=crlf\n")
    repository.commit()

    three = _add(run, specs[2])

    assert (three.worktree / "a.txt").read_bytes() == b"new\r\n"
    assert len(_find_parked(repository)) == 1
    repository.git("config", "core.autocrlf", "input")
    _add(run, specs[3])
    assert len(_find_parked(repository)) == 1  # it was checked out under other settings
    close_pool(run)
    assert _find_parked(repository) == []


def test_none_is_used_again_whose_own_work_has_changed_attributes(repository: Repository) -> None:
    _write_files(repository)
    one = repository.add_spec("one", "echo '*.txt text eol=crlf' > .gitattributes")
    two = repository.add_spec("two")
    repository.commit()
    run = repository.prepare(one, two)
    assert _work(run, one).kind is Kind.COMPLETED

    again = _add(run, two)

    assert (again.worktree / "a.txt").read_bytes() == b"aaaa\r\n"


def test_settings_of_its_user_are_seen_while_a_run_lasts(
    repository: Repository, tmp_path: Path, changed_environment: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.write_text("[user]\n\tname = A Person\n\temail = person@example.com\n")
    changed_environment.setenv("GIT_CONFIG_GLOBAL", str(settings))
    forget_environment()
    spec_id = repository.add_spec("one")
    repository.commit()
    run = repository.prepare(spec_id)
    before = run.pool.find_key()

    settings.write_text(f"{settings.read_text()}[core]\n\tautocrlf = true\n")

    assert before
    assert run.pool.find_key() not in ("", before)


@pytest.mark.parametrize("name", ["settings", ".gitconfig", ".config/git/config", ".config/git/attributes", "own"])
def test_settings_that_are_edited_while_a_run_lasts_are_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    if name == "settings":
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / name))
    own = tmp_path / ("config.worktree" if name == "own" else name)
    before = load_stamp(tmp_path, tmp_path / "common")

    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("[core]\n\tautocrlf = true\n")

    assert load_stamp(tmp_path, tmp_path / "common") != before


@pytest.mark.parametrize("name", [".config/git/attributes", "my-attributes"])
def test_none_fits_once_its_user_has_set_other_attributes(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if not name.startswith(".config"):
        repository.git("config", "core.attributesFile", f"~/{name}")
    git_dir = repository.top / ".git"
    before = load_conditions(Git(repository.top), git_dir, git_dir)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("*.txt eol=crlf\n")

    after = load_conditions(Git(repository.top), git_dir, git_dir)

    assert (before.hindrance, after.hindrance) == ("", "")
    assert before.key != after.key


def test_worktrees_are_made_ahead_for_specs_that_could_begin(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pool, "prepare_next", _PREPARE_NEXT)
    specs = [repository.add_spec(name) for name in ("one", "two", "three", "four")]
    repository.commit()
    run = repository.prepare(*specs)
    run.pool.allow(3)

    attempt = _add(run, specs[0])
    wait_until(run.pool.is_settled, "worktrees are ready")

    assert len(_find_parked(repository)) == 2
    assert not (_find_parked(repository)[0] / ".git").exists()
    finalize(run, run_agent(run, attempt))
    wait_until(run.pool.is_settled, "worktrees are ready")
    used = [_add(run, spec).worktree for spec in specs[1:]]
    close_pool(run)
    assert _find_parked(repository) == []
    assert all((path / "README.md").is_file() for path in used)


@pytest.mark.parametrize("moment", ["pool.pool.apply_tidying", "steps.parking.find_commit"])
def test_none_is_made_for_the_place_of_one_that_is_just_being_parked(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    specs = [repository.add_spec(name) for name in ("one", "two", "three")]
    repository.commit()
    run = repository.prepare(*specs)
    run.pool.allow(1)
    known: Mapping[str, Callable[..., object]] = {"apply_tidying": apply_tidying, "find_commit": find_commit}
    go_on = known[moment.rpartition(".")[2]]
    looks: list[str] = []

    def look_as_the_pools_thread_does(*arguments: Any) -> object:
        looks.append(moment)
        if len(looks) == 1:
            run.pool._catch_up()
        return go_on(*arguments)

    monkeypatch.setattr(f"chant_tasks.{moment}", look_as_the_pools_thread_does)

    _work(run, specs[0])

    assert looks
    assert len(_find_parked(repository)) == 1


def test_as_many_as_are_wanted_stay_for_the_next_run(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write(".chant/config.md", "---\nworktrees:\n  pool: 1\n---\n")
    specs = [repository.add_spec(name) for name in ("one", "two", "three")]
    repository.commit()
    first = repository.prepare(*specs[:2])
    for attempt in [_add(first, spec) for spec in specs[:2]]:
        finalize(first, run_agent(first, attempt))
    close_pool(first)
    (parked,) = _find_parked(repository)
    (parked / "README.md").unlink()  # as what clears folders for temporary files does
    monkeypatch.setattr(Pool, "prepare_next", _PREPARE_NEXT)
    second = repository.prepare(specs[2])

    attempt = _add(second, specs[2])

    assert (parked.exists(), (attempt.worktree / "README.md").is_file()) == (False, True)
    assert [line for line in repository.git("worktree", "list").splitlines() if "chant-pool" in line] == []
    repository.git("worktree", "prune", "--expire=now")
    assert finalize(second, run_agent(second, attempt)).kind is Kind.COMPLETED
    close_pool(second)
    assert len(_find_parked(repository)) == 1
    repository.write(".chant/config.md", "---\nworktrees:\n  pool: 0\n---\n")
    repository.commit()
    third = repository.prepare()
    close_pool(third)
    assert (_find_parked(repository), list((repository.top / ".git" / "chant").glob("pool/*"))) == ([], [])


def test_what_git_keeps_of_one_has_a_name_that_git_takes(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\nproject:\n  name: My App..lock\n---\n")
    one, three = repository.add_spec("one"), repository.add_spec("three")
    two = repository.add_spec("two", "echo two > two.txt && git add . && git commit -qm 2")
    repository.commit()
    run = repository.prepare(one, two)
    _work(run, one)
    fresh, again = _add(replace(run, pool=Pool()), three), _add(run, two)
    names = [find_git_dir(attempt.worktree).name for attempt in (fresh, again)]

    state = finalize(run, run_agent(run, again))

    assert _find_parked(repository) == []
    assert names == [f"chant-My-App.lock-{spec}" for spec in (three, two)]
    assert state.kind is Kind.COMPLETED
    assert "\n2\n" in repository.git("log", "--format=%s") + "\n"


@pytest.mark.parametrize("pool", [0, None], ids=["switched off", "with submodules"])
def test_nothing_is_parked_where_it_is(repository: Repository, pool: int | None) -> None:
    repository.write(
        ".chant/config.md", f"---\nworktrees:\n  pool: {pool}\n---\n" if pool is not None else "---\n---\n"
    )
    one, two = repository.add_spec("one"), repository.add_spec("two")
    if pool is None:
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.tip()},module")
        repository.git("commit", "-q", "-m", "a link without a name")
        (repository.top / "module").mkdir()
    repository.commit()
    run = repository.prepare(one, two)

    state = _work(run, one)

    assert (state.kind, _find_parked(repository)) == (Kind.COMPLETED, [])
    assert list(repository.worktrees.glob("chant-2*")) == []


def test_what_killed_runs_left_is_found_and_removed(repository: Repository) -> None:
    specs = [repository.add_spec(name) for name in ("one", "two", "three")]
    repository.commit()
    run = repository.prepare(*specs)
    _work(run, specs[0])
    (parked,) = _find_parked(repository)
    half = parked.with_name("00000000")
    half.mkdir()
    slot = repository.top / ".git" / "chant" / "pool" / "11111111.new"
    slot.mkdir()
    (slot / "gitdir").write_text(f"{parked.with_name('11111111')}/.git\n")
    assert look(repository) == ()  # the run that has parked it goes on
    held = run.pool._shared.lock  # the kernel frees it where a process dies
    assert held is not None
    held.release()

    found = find_one(repository)

    assert "no run uses 2 parked worktrees any more" in found.what
    assert found.severity is Severity.NOTE  # the next run removes them
    assert mend_one(repository).words == "removed"
    assert _find_parked(repository) == []
    assert not slot.parent.exists()


def test_a_git_that_fails_in_between_does_not_end_the_pool(repository: Repository) -> None:
    spec_id = repository.add_spec("one")
    repository.commit()
    run = repository.prepare(spec_id)
    _PREPARE_NEXT(run.pool)
    wait_until(run.pool.is_settled)
    settings = repository.top / ".git" / "config"
    text = settings.read_bytes()

    settings.write_text("[broken\n")
    shared = run.pool._shared
    with shared.condition:
        shared.is_asked = True
        shared.condition.notify_all()
    wait_until(lambda: not (shared.is_asked or shared.is_serving))
    settings.write_bytes(text)

    assert run.pool._thread is not None
    assert run.pool._thread.is_alive()
    close_pool(run)
