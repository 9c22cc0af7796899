"""Agents that work in the user's own checkout: whatever they do to it, it is as it was afterwards."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chant_tasks.errors import WorktreeError
from chant_tasks.events import WorktreeMade
from chant_tasks.git.runner import Git
from chant_tasks.landing.checkout import hold_index
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.state import Ending, Kind
from chant_tasks.steps.switch import require_free_index
from tests.integration.repository import TICK, Repository

ODD = (
    "two words.txt",
    "st*r.txt",
    "#hash.txt",
    "!bang.txt",
    "line\nend.txt",
    "Größe.txt",
    "trailing ",
    "back\\slash",
    "[a].txt",
    "tab\tbed",
    "deep/er/note.txt",
    "-dash",
)


@pytest.fixture
def place(repository: Repository) -> Repository:
    """A repository whose agents work in the checkout."""
    repository.write(".chant/config.md", "---\nisolation: none\n---\n")
    repository.write(".gitignore", "*.log\nignored/\n")
    repository.write("tracked.txt", "old\n")
    repository.commit("config")
    return repository


@dataclass(frozen=True, slots=True)
class Look:
    """All that a person can see of a checkout."""

    head: str
    status: str
    staged: str
    index: str
    files: dict[str, bytes]


def look(place: Repository) -> Look:
    """The checkout as it is."""
    paths = [
        Path(folder) / name
        for folder, names, files in os.walk(place.top)
        if ".git" not in Path(folder).relative_to(place.top).parts[:1]
        for name in files
        if names is not None
    ]
    return Look(
        head=place.git("symbolic-ref", "HEAD"),
        status=place.git("status", "--porcelain=v2", "--untracked-files=all", "--ignored"),
        staged=place.git("diff", "--cached"),
        index=place.git("ls-files", "-s", "-v", "-t"),
        files={str(path.relative_to(place.top)): path.read_bytes() for path in paths},
    )


def add_belongings(place: Repository) -> None:
    """Everything that a user may have lying about without a tracked file being changed."""
    for name in ODD:
        place.write(name, f"mine: {name}\n")
    place.write("debug.log", "mine\n")
    place.write("ignored/deep/file", "mine\n")
    place.write("by-home.swp", "mine\n")
    place.git("init", "-q", "nested")
    place.write("nested/file", "mine\n")
    place.git("add", "-A", cwd=place.root / "nested")
    place.git("commit", "-q", "-m", "nested", cwd=place.root / "nested")


def add_others(place: Repository) -> tuple[SpecId, ...]:
    """Other specs, each changed in another way; the first is committed as it is."""
    names = ("unstaged", "staged", "both", "deleted", "removed")
    ids = tuple(place.add_spec(name) for name in names)
    place.commit("others")
    for name in ("unstaged", "staged", "both"):
        place.write(place.spec_path(SpecId(f"2026-01-01-001-{name}")), f"---\nstatus: pending\n---\n# New {name}\n")
    place.git("add", place.spec_path(ids[1]), place.spec_path(ids[2]))
    place.write(place.spec_path(ids[2]), "---\nstatus: pending\n---\n# Newer both\n")
    (place.root / place.spec_path(ids[3])).unlink()
    place.git("rm", "-q", place.spec_path(ids[4]))
    added = place.add_spec("added")
    place.git("add", place.spec_path(added))
    promised = place.add_spec("promised")
    place.git("add", "-N", place.spec_path(promised))
    return (*ids, added, promised, place.add_spec("untracked"))


ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells that a lock is dead")
HOSTILE = {
    "does nothing more": "true",
    "adds all": "git add -A && git commit -qm all",
    "commits what is tracked": "git add work.txt && git commit -qam tracked",
    "stashes": "git stash -u -q && git stash pop -q",
    "cleans": "git clean -fdq",
    "adds all by force": "git add -A -f . 2>/dev/null || true\ngit commit -qm force",
    "adds a file by force, and goes away": (
        "git add -f -- 'two words.txt' debug.log\ngit commit -qm force\ngit switch -q main"
    ),
    "switches to the target": "git add -A && git commit -qm x\ngit switch -q main",
    "commits to the target": "git switch -q main && git add -A && git commit -qm 'on main'",
    "detaches": "git switch -q --detach && git add -A && git commit -qm detached",
    "has a branch of its own": "git switch -q -c mine && git add -A && git commit -qm mine",
    "removes its branch": "git switch -q --detach && git branch -q -D $CHANT_BRANCH",
    "resets": "git add -A && git commit -qm x && git reset -q --hard HEAD~1",
    "begins an orphan": "git switch -q --orphan orphan",
    "leaves a merge": (
        "git add -A && git commit -qm x\ngit switch -q -c other HEAD~1 && echo other > work.txt && git add work.txt\n"
        "git commit -qm other && git switch -q $CHANT_BRANCH && ! git merge -q other"
    ),
    "leaves a rebase": (
        "git add -A && git commit -qm x\ngit switch -q -c other HEAD~1 && echo other > work.txt && git add work.txt\n"
        "git commit -qm other && git switch -q $CHANT_BRANCH && ! git rebase -q other 2>/dev/null"
    ),
    "leaves a cherry-pick": (
        "git add -A && git commit -qm x\ngit switch -q -c other HEAD~1 && echo other > work.txt && git add work.txt\n"
        "git commit -qm other && git switch -q $CHANT_BRANCH && ! git cherry-pick other 2>/dev/null"
    ),
    "leaves a bisect": "git bisect start -q",
    "leaves a lock": "touch .git/index.lock",
    "leaves pipes": "mkdir sub && mkfifo sub/.gitignore && rm tracked.txt && mkfifo tracked.txt",
    "changes what is ignored": (
        "printf '!*\\n' > .gitignore && mkdir -p fresh && echo x > fresh/x && git add -A && git commit -qm ignore"
    ),
    "ignores what it makes": "echo cache/ >> .gitignore && mkdir cache && echo x > cache/x",
    "ignores what is tracked": "git rm -q --cached tracked.txt && echo tracked.txt >> .gitignore",
    "replaces a file by a folder": "rm tracked.txt && mkdir tracked.txt && echo x > tracked.txt/x",
    "removes everything": "git rm -rq --cached . && rm -f README.md tracked.txt .gitignore",
    "removes its own spec": 'rm "$CHANT_SPEC_FILE"',
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=list(HOSTILE))
def test_after_a_failure_the_checkout_is_exactly_as_it_was(place: Repository, script: str) -> None:
    add_others(place)
    add_belongings(place)
    spec_id = place.add_spec("a", f"echo work > work.txt\n{script}\nexit 3")
    before, tip = look(place), place.tip("main")

    state = place.work(spec_id)

    assert state.kind is Kind.FAILED, state
    assert (look(place), place.tip("main")) == (before, tip)
    assert not place.refs("refs/heads/spec/")


@pytest.mark.parametrize("script", HOSTILE.values(), ids=list(HOSTILE))
def test_no_file_of_the_users_is_in_what_is_kept_or_lands(place: Repository, script: str) -> None:
    others = add_others(place)
    add_belongings(place)
    spec_id = place.add_spec("a", f"echo work > work.txt\n{TICK}\n{script}", ticks=False)
    before, tip = look(place), place.tip("main")

    state = place.work(spec_id)

    heads = ["main", *place.refs(f"refs/chant/attempts/{spec_id}/1")]
    users = {*ODD, "debug.log", "by-home.swp", "nested", "nested/file"}
    for head in heads:
        assert not users & set(place.git("ls-tree", "-r", "-z", "--name-only", head).split("\0")), head
        for other in others:
            path = place.spec_path(other)
            assert place.git("ls-tree", head, path) == place.git("ls-tree", tip, path)
    after = look(place)
    kept = {
        name: data for name, data in before.files.items() if name.split("/")[0] not in (".gitignore", "tracked.txt")
    }
    kept.pop(place.spec_path(spec_id))
    kept.pop("README.md")
    assert {name: after.files.get(name) for name in kept} == kept
    assert after.head == "refs/heads/main"
    assert state.kind in (Kind.COMPLETED, Kind.FAILED, Kind.LANDING_WAITS), state


def test_work_lands_as_from_a_worktree(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo work > a.txt\necho more >> tracked.txt")
    place.commit("spec")

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED
    assert (place.read("a.txt"), place.read("tracked.txt")) == ("work\n", "old\nmore\n")
    assert place.spec(spec_id).status is Status.COMPLETED
    assert place.status() == []
    assert place.git("symbolic-ref", "--short", "HEAD") == "main"
    place.assert_no_traces()
    made = [event for event in place.events if isinstance(event, WorktreeMade)]
    assert [(event.branch, event.is_in_place) for event in made] == [(f"spec/{spec_id}", True)]


def test_no_folder_for_a_worktree_is_there_at_any_moment(place: Repository) -> None:
    seen = place.outside / "seen"
    spec_id = place.add_spec("a", f'ls -A "$TMPDIR" > {seen}; git worktree list | wc -l >> {seen}; echo a > a.txt')
    place.commit("spec")

    state = place.work(spec_id, lambda: seen.write_text(f"{seen.read_text()}{list(place.worktrees.iterdir())}"))

    assert state.kind is Kind.COMPLETED
    assert seen.read_text().split() == ["1", "[]"]
    assert list(place.worktrees.iterdir()) == []


def test_the_agent_gets_the_checkout_and_the_branch(place: Repository) -> None:
    spec_id = place.add_spec("a", 'echo "$PWD $CHANT_WORKTREE $(git symbolic-ref --short HEAD)" > a.txt')
    place.commit("spec")

    place.work(spec_id)

    assert place.read("a.txt") == f"{place.top} {place.top} spec/{spec_id}\n"


@pytest.mark.parametrize(
    ("command", "reason", "hint"),
    [
        ("git switch -q -c feature", "main is not checked out here", "git switch main"),
        ("git switch -q --detach", "main is not checked out here", "git switch main"),
        (
            "echo x >> tracked.txt",
            "tracked.txt is changed, and without -n agents work in your checkout",
            "commit or stash it",
        ),
        (
            "git rm -q tracked.txt; echo x > new; git add new",
            "new, tracked.txt are changed, and without -n agents work in your checkout",
            "commit or stash it",
        ),
        (
            "git switch -q -c o && echo o > tracked.txt && git commit -qam o && git switch -q main && "
            "echo m > tracked.txt && git commit -qam m && ! git merge -q o",
            "a merge is under way in your checkout",
            "git merge --continue (or --abort)",
        ),
        ("git bisect start", "a bisect is under way in your checkout", "git bisect reset"),
        (
            "git switch -q -c o && echo o > tracked.txt && git commit -qam o && git switch -q main && "
            "echo m > tracked.txt && git commit -qam m && ! git cherry-pick o",
            "a cherry-pick is under way in your checkout",
            "git cherry-pick --continue (or --abort)",
        ),
    ],
)
def test_a_checkout_that_cannot_be_worked_in_is_refused_before_anything_starts(
    place: Repository, command: str, reason: str, hint: str
) -> None:
    place.write(".chant/config.md", "---\nisolation: none\ndefaults:\n  main_branch: main\n---\n")
    spec_id = place.add_spec("a")
    place.commit("spec")
    place.shell(command)

    with pytest.raises(WorktreeError) as error:
        place.prepare(spec_id)

    assert (error.value.reason, error.value.hint) == (reason, hint)
    assert place.count_runs("a") == 0


@ON_LINUX
def test_the_locks_of_a_git_that_was_killed_are_none(place: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.git.locks._find_git_starts", lambda _: ())  # others' gits may run on this machine
    spec_id = place.add_spec("a")
    place.commit("spec")
    locks = [place.top / ".git" / name for name in ("index.lock", "HEAD.lock")]
    for lock in locks:
        lock.write_bytes(b"DIRC")

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert [lock for lock in locks if lock.exists()] == []


def test_the_lock_of_anothers_landing_stays(place: Repository) -> None:
    lock = place.top / ".git" / "index.lock"

    with hold_index(lock.parent):
        require_free_index(Git(place.top), lock.parent)
        assert lock.exists()


def test_a_touched_file_is_no_change(place: Repository) -> None:
    spec_id = place.add_spec("a")
    place.commit("spec")
    os.utime(place.root / "tracked.txt", (1, 1))

    assert place.work(spec_id).kind is Kind.COMPLETED


@pytest.mark.parametrize("is_staged", [True, False])
def test_what_the_user_changed_in_the_specs_own_file_travels_and_lands(place: Repository, is_staged: bool) -> None:
    spec_id = place.add_spec("a", 'echo a > a.txt; cp "$CHANT_SPEC_FILE" seen.txt')
    place.commit("spec")
    path = place.spec_path(spec_id)
    place.write(path, place.read(path).replace("Some words.", "Better words."))
    place.git("add", *(["--", path] if is_staged else ["-n", path]))

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED
    assert "Better words." in place.read("seen.txt")
    assert "Better words." in place.show(path)
    assert place.status() == []


@pytest.mark.parametrize("is_staged", [True, False])
def test_a_spec_that_was_never_committed_travels_and_lands(place: Repository, is_staged: bool) -> None:
    spec_id = place.add_spec("a")
    if is_staged:
        place.git("add", place.spec_path(spec_id))

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.spec(spec_id).status is Status.COMPLETED
    assert place.status() == []


def test_changes_of_other_specs_are_neither_committed_nor_lost_nor_foreign(place: Repository) -> None:
    others = add_others(place)
    spec_id = place.add_spec("a", "echo a > a.txt; git add -A; git commit -qam all")
    paths = tuple(place.spec_path(other) for other in others)
    before, status = place.snapshot(*paths), place.status()

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.snapshot(*paths) == before
    assert place.status() == [line for line in status if "001-a.md" not in line]
    assert place.files() == {".gitignore", "README.md", "tracked.txt", "a.txt"}


def test_the_users_own_excludes_file_still_holds(place: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("../outside/excludes", "*.swp\n")
    place.git("config", "core.excludesFile", str(place.outside / "excludes"))
    spec_id = place.add_spec("a", "echo a > a.txt; echo x > new.swp; git add -A; git commit -qm all")
    place.commit("spec")
    place.write("old.swp", "mine\n")

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert place.files() == {".gitignore", "README.md", "tracked.txt", "a.txt"}
    assert (place.read("old.swp"), place.read("new.swp")) == ("mine\n", "x\n")


def test_files_that_git_was_told_to_overlook_stay_overlooked(place: Repository) -> None:
    place.write("settings.ini", "theirs\n")
    place.write("assumed.ini", "theirs\n")
    spec_id = place.add_spec("a", "echo a > a.txt; git add -A; git commit -qam all; exit 3")
    place.commit("spec")
    place.git("update-index", "--skip-worktree", "settings.ini")
    place.git("update-index", "--assume-unchanged", "assumed.ini")
    place.write("settings.ini", "mine\n")
    place.write("assumed.ini", "mine\n")
    before = look(place)

    place.work(spec_id)

    assert look(place) == before


def test_a_failed_attempt_is_kept_whole_at_its_ref(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo one > one.txt; git add -A; git commit -qm one; echo two > two.txt; exit 3")
    place.commit("spec")

    state = place.work(spec_id)

    kept = f"refs/chant/attempts/{spec_id}/1"
    assert ("kept", kept) in state.details
    assert place.files(kept) >= {"one.txt", "two.txt"}
    assert place.record(spec_id).ending is Ending.FAILED
    place.assert_no_traces()


@ON_LINUX
@pytest.mark.parametrize("times", [1, 100])
def test_a_git_of_ours_that_is_killed_while_it_goes_back_keeps_nobody_from_the_checkout(
    place: Repository, times: int
) -> None:
    """Where it is killed each time, the checkout stays on the spec's branch, and no lock or half of a file is left."""
    killed, is_switch = place.outside / "killed", "grep -qa switch /proc/$PPID/cmdline"
    kill = f"echo x >> {killed}; test $(wc -l < {killed}) -gt {times} || ! {is_switch} || kill -9 $PPID; cat"
    place.write(".gitattributes", "tracked.txt filter=kill\n")
    config = f"git config filter.kill.clean cat\ngit config filter.kill.smudge '{kill}'"
    spec_id = place.add_spec("a", f"{config}\necho work > tracked.txt\necho a > a.txt")
    place.commit("spec")

    state = place.work(spec_id)

    assert not (place.top / ".git" / "index.lock").exists()
    assert place.status() == []
    place.git("config", "filter.kill.smudge", "cat")
    assert (state.kind is Kind.COMPLETED) == (times == 1), state
    assert times == 1 or place.work(spec_id).kind is Kind.COMPLETED
    assert (place.read("tracked.txt"), place.read("a.txt")) == ("work\n", "a\n")
    assert place.count_runs("a") == 1


@pytest.mark.parametrize("way", ["git switch -q main && git branch -q -D $CHANT_BRANCH", "git reset -q --hard HEAD~1"])
def test_commits_that_only_the_log_of_head_remembers_are_kept_at_a_ref(place: Repository, way: str) -> None:
    spec_id = place.add_spec("a", f"echo work > a.txt && git add a.txt && git commit -qm mine\n{way}", ticks=False)
    place.commit("spec")
    before = look(place)

    assert place.work(spec_id).kind is Kind.FAILED
    assert place.show("a.txt", f"refs/chant/attempts/{spec_id}/1-abandoned-1") == "work\n"
    assert look(place) == before


def test_what_an_agent_committed_to_the_target_is_taken_back_and_kept(place: Repository) -> None:
    spec_id = place.add_spec("a", "git switch -q main; echo x > x.txt; git add -A; git commit -qm 'on main'; exit 3")
    tip = place.commit("spec")

    place.work(spec_id)

    assert place.tip("main") == tip
    assert "x.txt" in place.files(f"refs/chant/attempts/{spec_id}/1")
    assert f"{spec_id}'s" not in "".join(place.notices())
    assert "the agent committed to main itself; that was taken back" in place.notices()


def test_what_only_the_branch_ignored_is_put_away_and_said(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo cache/ >> .gitignore; mkdir cache; echo x > cache/x; exit 3")
    place.commit("spec")

    place.work(spec_id)

    left = place.journal / "attempts" / spec_id / "1" / "left" / "cache" / "x"
    assert left.read_text() == "x\n"
    assert place.status() == []
    assert any("cache/x, which the agent left untracked: moved to .git/chant/" in text for text in place.notices())


def test_the_users_hooks_do_not_run_for_our_switches(place: Repository) -> None:
    hook = place.top / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\necho ran >> {place.outside}/hook\nexit 1\n")
    hook.chmod(0o755)
    spec_id = place.add_spec("a")
    place.commit("spec")

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert not (place.outside / "hook").exists()


def test_a_project_in_a_subfolder_is_worked_in_place(tmp_path: Path, worktrees_here: None) -> None:
    from tests.integration.repository import make_repository

    place = make_repository(tmp_path, prefix="part")
    place.write(".chant/config.md", "---\nisolation: none\n---\n")
    place.write("mine.txt", "mine\n")
    other = place.add_spec("other")
    place.git("add", "-A", ".chant", cwd=place.root)
    place.git("commit", "-qm", "config")
    place.write(place.spec_path(other), "---\nstatus: pending\n---\n# Mine\n")
    (place.top / "top.txt").write_text("mine\n")
    spec_id = place.add_spec("a", "pwd > a.txt; git add -A :/; git commit -qm all")

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.show("part/a.txt").strip() == str(place.root)
    assert place.status() == [" M part/.chant/specs/2026-01-01-001-other.md", "?? part/mine.txt", "?? top.txt"]


def test_a_forgotten_spec_is_worked_again(place: Repository) -> None:
    spec_id = place.add_spec("a", "date +%N >> a.txt; grep -c '\\[ \\]' \"$CHANT_SPEC_FILE\" > boxes.txt")
    place.commit("spec")
    place.work(spec_id)
    place.forget(spec_id)

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert (place.count_runs("a"), place.read("boxes.txt")) == (2, "1\n")
    assert place.status() == []


def test_a_forgotten_spec_that_fails_is_back_as_it_was(place: Repository) -> None:
    spec_id = place.add_spec("a", f"[ ! -e {place.outside}/fail ]; echo a > a.txt")
    place.commit("spec")
    place.work(spec_id)
    (place.outside / "fail").touch()
    place.forget(spec_id)
    before = look(place)

    assert place.work(spec_id).kind is Kind.FAILED
    assert look(place) == before


def test_a_spec_that_git_ignores_is_worked_in_place(place: Repository) -> None:
    place.write(".gitignore", "*.log\nignored/\n.chant/specs/\n")
    place.commit("ignore")
    spec_id = place.add_spec("a")
    before = place.read(place.spec_path(spec_id))

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state
    assert place.spec(spec_id).status is Status.COMPLETED
    assert place.files() == {".gitignore", "README.md", "tracked.txt", "a.txt"}
    assert before != place.read(place.spec_path(spec_id))


def test_a_landing_waits_for_a_file_that_the_user_has_untracked(place: Repository) -> None:
    spec_id = place.add_spec("a", "echo theirs > ignored/x; git add -f ignored/x; git commit -qm x; echo a > a.txt")
    place.commit("spec")
    place.write("ignored/x", "mine\n")

    state = place.work(spec_id)

    assert state.kind is Kind.COMPLETED, state  # what is the user's is not part of the work
    assert place.files() == {".gitignore", "README.md", "tracked.txt", "a.txt"}


def test_work_in_a_folder_of_the_users_untracked_files_lands_beside_them(place: Repository) -> None:
    place.write("package/mine.py", "mine\n")
    spec_id = place.add_spec("a", "echo new > package/new.py; git add -A; git commit -qm all")
    place.git("add", place.spec_path(spec_id))
    place.git("commit", "-qm", "spec")

    assert place.work(spec_id).kind is Kind.COMPLETED
    assert "package/new.py" in place.files()
    assert "package/mine.py" not in place.files()
    assert place.status() == ["?? package/mine.py"]


def test_another_specs_landing_meanwhile_keeps_the_users_change_of_it(place: Repository) -> None:
    other = place.add_spec("other", "echo other > other.txt")
    spec_id = place.add_spec("a", "echo a > a.txt")
    place.commit("specs")
    path = place.spec_path(other)
    place.write(path, place.read(path).replace("Some words.", "My words."))
    final = place.git("show", f"HEAD:{path}").replace("status: pending", "status: completed") + "\n"

    def land_other() -> None:
        """As another doit would: the target moves while this checkout is elsewhere."""
        blob = place.git("hash-object", "-w", str(place.outside / "final"))
        index = {**os.environ, "GIT_INDEX_FILE": str(place.outside / "index")}
        import subprocess

        for command in (
            f"git read-tree main && git update-index --cacheinfo 100644,{blob},{path}",
            "git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p main -m landed)",
        ):
            subprocess.run(("sh", "-ec", command), cwd=place.top, env=index, check=True)

    (place.outside / "final").write_text(final)
    state = place.work(spec_id, land_other)

    assert state.kind is Kind.COMPLETED, state
    assert place.status() == [f" M {path}"]
    assert "My words." in place.read(path)
    assert "status: completed" in place.read(path)
    assert "status: completed" in place.show(path)


def test_a_repository_that_an_agent_made_leaves_nothing_and_stops_no_later_run(place: Repository) -> None:
    commit = "git -C sub -c user.name=a -c user.email=a@b commit -qm inside"
    spec_id = place.add_spec("a", f"git init -q sub\necho x > sub/x.txt\ngit -C sub add x.txt\n{commit}")
    place.commit("spec")
    before = look(place)

    states = [place.work(spec_id), place.work(spec_id)]

    assert [state.kind for state in states] == [Kind.FAILED, Kind.FAILED]
    assert all("sub is a git repository of its own" in state.reason for state in states)
    assert look(place) == before
    assert not (place.top / "sub").exists()
    assert place.git("show", f"refs/chant/attempts/{spec_id}/2:sub/x.txt") == "x"
