"""Each state that needs a person, or waits: the commands that it prints are typed as printed, and lead on."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Done, Repository, make_repository

A = "2026-01-24-001-aaa"
SPEC = f".chant/specs/{A}.md"
LAND_OTHER = """cd "$HOME/../project"; echo theirs > shared.txt; git commit -qm other shared.txt"""
Make = Callable[..., Repository]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A repository with a spec, worked once by `doit -n 2`."""

    def make_one(run: str, *settings: str, is_committed: bool = True) -> Repository:
        made = make_repository(tmp_path / "project", DODO)
        made.write("shared.txt", "start\n")
        made.write(".chant/config.md", "\n".join(["---", "defaults: {provider: script}", *settings, "---", ""]))
        made.commit()
        made.add_spec(A, run=run)
        if is_committed:
            made.commit("spec")
        return made

    return make_one


def printed(report: str) -> list[str]:
    """The commands of the `next` block of a report, or of `doit info`."""
    rows = re.search(r"^ *next +((?:.+\n)(?:^ {6,}.*\n)*)", f"{report}\n", re.MULTILINE)
    assert rows is not None, report
    return [line.strip().partition("   ")[0] for line in rows[1].splitlines()]


def state(repository: Repository) -> str:
    return repository.doit("list", A).lines[0].split()[2]


def settle(repository: Repository, command: str, text: str = "both\n") -> Done:
    """Type `doit spec-resolve`, go where it says, write the file, commit."""
    opened = repository.shell(command)
    assert opened.status == 0, opened.stderr
    return repository.shell(f"{opened.lines[0]} && printf '{text}' > shared.txt && git commit -qam resolved")


@pytest.mark.parametrize("becomes", ["stays uncommitted", "is committed meanwhile", "is edited and committed"])
def test_a_conflict_is_resolved_and_landed_whatever_the_specs_own_file_is_in_the_checkout(
    make: Make, becomes: str
) -> None:
    repository = make(f"echo mine > shared.txt; {LAND_OTHER}", is_committed=False)
    report = repository.doit("-n", "2").stderr
    if "edited" in becomes:
        text = (repository.folder / SPEC).read_text()
        repository.write(SPEC, text.replace("# A title", "# A title\n\nOne word more."))
    if "committed" in becomes.replace("uncommitted", ""):
        repository.git("add", SPEC)
        repository.git("commit", "-qm", "spec")
    resolve, land, _ = printed(report)

    settled = settle(repository, resolve)
    done = repository.shell(land)

    assert settled.status == 0, settled.stderr
    assert done.status == 0, done.stdout + done.stderr
    assert state(repository) == "completed"
    assert (repository.folder / "shared.txt").read_text() == "both\n"
    assert repository.git("worktree", "list").count("\n") == 0
    assert ("One word more." in (repository.folder / SPEC).read_text()) == ("edited" in becomes)


def test_landing_what_is_not_committed_yet_says_where_and_what_is_refused_can_be_mended(make: Make) -> None:
    repository = make(f"echo mine > shared.txt; {LAND_OTHER}")
    resolve, land, _ = printed(repository.doit("-n", "2").stderr)
    place = repository.shell(resolve).lines[0].removeprefix("cd ")

    early = repository.shell(land)
    commit = early.stderr.splitlines()[-1].strip()
    repository.shell(f"{commit} -qm oops")
    refused = repository.shell(land)

    assert (early.status, refused.status) == (1, 1)
    assert f"not committed in {place}: shared.txt" in early.stderr
    assert "a conflict's marks are left in shared.txt" in refused.stdout
    resolve, land, _ = printed(refused.stdout)
    assert settle(repository, resolve).status == 0
    assert repository.shell(land).status == 0
    assert state(repository) == "completed"


def test_a_conflict_may_be_set_aside_and_worked_again(make: Make) -> None:
    repository = make(
        f"cat shared.txt > seen.txt; echo mine > shared.txt; [ -e $HOME/once ] || (touch $HOME/once; {LAND_OTHER})"
    )
    *_, discard = printed(repository.doit("-n", "2").stderr)

    assert repository.shell(discard).status == 0
    (again,) = printed(repository.doit("info", A).stdout)
    done = repository.shell(again)

    assert done.status == 0, done.stderr
    assert state(repository) == "completed"
    assert (repository.folder / "seen.txt").read_text() == "theirs\n"


def test_what_a_person_committed_on_the_branch_itself_is_landed_from_there_too(make: Make) -> None:
    repository = make(f"echo mine > shared.txt; {LAND_OTHER}")
    repository.doit("-n", "2")
    repository.shell(f"git switch -q spec/{A}; git merge -q main")
    early = repository.doit("spec-land", A)
    repository.shell("echo both > shared.txt; git commit -qam resolved")
    land, _ = printed(repository.doit("info", A).stdout)

    done, again = repository.shell(land), repository.shell(land)

    assert (early.status, "is not committed" in early.stderr) == (1, True)
    assert (done.status, again.status) == (0, 0), again.stderr
    assert "has landed already" in again.stdout
    assert "git switch main" in done.stderr
    cleaned = repository.shell("git switch -q main; doit")
    assert ("cleaned up what" in cleaned.stderr, "⚠" in cleaned.stderr) == (True, False)
    assert (state(repository), repository.git("branch", "--list", "spec/*")) == ("completed", "")


def test_a_conflict_becomes_its_agents_once_the_settings_say_so(make: Make) -> None:
    agent = "cat > /dev/null; sed -i 's/- \\[ \\]/- [x]/' $CHANT_SPEC_FILE; echo mine >> shared.txt"
    resolve = "git checkout -q --theirs shared.txt; echo mine >> shared.txt; git add -A; git commit -q --no-edit"
    argv = f"{agent}; if [ -e $(git rev-parse --git-dir)/MERGE_HEAD ]; then {resolve}; else ({LAND_OTHER}); fi"
    repository = make("")
    setting = f"providers: {{command: {{argv: [sh, -c, '{argv.replace(chr(39), chr(39) * 2)}']}}}}"
    repository.write(".chant/config.md", f"---\n{setting}\n---\n")
    repository.add_spec(A)
    repository.commit("agent")
    repository.doit("-n", "2")
    before = state(repository)
    repository.write(".chant/config.md", f"---\n{setting}\non_conflict: agent\n---\n")
    repository.commit("settings")

    again, _ = printed(repository.doit("info", A).stdout)
    done = repository.shell(again)

    assert before == "attention"
    assert done.status == 0, done.stderr
    assert (repository.folder / "shared.txt").read_text() == "theirs\nmine\n"


@pytest.mark.parametrize("choice", ["land", "discard"])
def test_a_branch_that_was_there_before_is_landed_or_set_aside(make: Make, choice: str) -> None:
    repository = make("echo new > new.txt")
    tick = f"sed -i 's/- \\[ \\]/- [x]/' {SPEC}"
    repository.shell(
        f"git switch -qc spec/{A}; {tick}; echo old > old.txt; git add -A; git commit -qm old; git switch -q main"
    )
    land, discard = printed(repository.doit("-n", "2").stderr)

    done = repository.shell(land if choice == "land" else discard)

    assert done.status == 0, done.stderr
    if choice == "discard":
        (again,) = printed(repository.doit("info", A).stdout)
        repository.shell(again)
    assert state(repository) == "completed"
    assert (repository.folder / ("old.txt" if choice == "land" else "new.txt")).exists()


def test_a_landing_that_waits_lands_as_printed_once_the_checkout_is_free(make: Make) -> None:
    repository = make('echo mine > shared.txt; echo dirty >> "$HOME/../project/shared.txt"')
    report = repository.doit("-n", "2").stderr

    again, discard = printed(report)
    repository.shell("git stash -q")
    done = repository.shell(again)

    assert (done.status, state(repository)) == (0, "completed"), done.stderr
    assert ("aaa" in again, discard) == (True, "doit spec-discard aaa")


def test_a_failed_spec_is_worked_again_as_printed(make: Make) -> None:
    repository = make("echo once >> $HOME/runs; echo work > work.txt; [ $(wc -l < $HOME/runs) -gt 1 ] || exit 3")

    (again,) = printed(repository.doit("-n", "2").stderr)
    done = repository.shell(again)

    assert (done.status, state(repository)) == (0, "completed"), done.stderr


def test_work_that_a_check_refuses_is_mended_in_a_folder_of_its_own(make: Make) -> None:
    repository = make(f"touch bad.txt work.txt; {LAND_OTHER}", "checks: ['test ! -e bad.txt']")

    resolve, land, _ = printed(repository.doit("-n", "2").stderr)
    place = repository.shell(resolve).lines[0]
    mended = repository.shell(f"{place} && git rm -q bad.txt && git commit -qm mended")
    done = repository.shell(land)

    assert (mended.status, done.status) == (0, 0), mended.stderr + done.stdout + done.stderr
    assert state(repository) == "completed"
    assert repository.git("ls-tree", "--name-only", "main", "bad.txt", "work.txt") == "work.txt"


@pytest.mark.parametrize("choice", ["forget", "cancel"])
def test_a_spec_whose_attempts_come_to_nothing_is_forgotten_or_cancelled_as_printed(make: Make, choice: str) -> None:
    repository = make("[ -e $HOME/now ] && echo work > work.txt", "attempts: 1")

    forget, cancel = printed(repository.doit("-n", "2").stderr)
    repository.shell("touch $HOME/now")
    done = repository.shell(forget if choice == "forget" else cancel)

    assert done.status == 0, done.stderr
    if choice == "forget":
        repository.doit("-n", "2")
    assert state(repository) == ("completed" if choice == "forget" else "cancelled")


def test_work_that_a_red_target_keeps_lands_as_printed_once_that_is_mended(make: Make) -> None:
    repository = make("echo run >> $HOME/runs; echo work > work.txt", "checks: ['test ! -e bad.txt']")
    repository.write("bad.txt", "bad\n")
    repository.commit("bad")

    again, _ = printed(repository.doit("-n", "2").stderr)
    repository.git("rm", "-q", "bad.txt")
    repository.commit("mended")
    done = repository.shell(again)

    assert (done.status, state(repository)) == (0, "completed"), done.stderr
    assert (repository.folder.parent / "home" / "runs").read_text() == "run\n"


def test_a_checkout_whose_way_back_is_blocked_by_a_file_is_freed_as_printed(make: Make) -> None:
    add, remove = "git worktree add -qf ../w main", "git worktree remove --force ../w"
    theirs = "echo theirs > mine.txt && git add -f mine.txt && git commit -qm theirs"
    repository = make(f"{add}; (cd ../w && {theirs}); {remove}; echo work > work.txt")
    repository.write("mine.txt", "mine\n")

    refused = repository.doit()
    (free,) = printed(refused.stderr)
    done = repository.shell(free)

    assert "mine.txt is in the way" in refused.stderr
    assert (done.status, state(repository)) == (0, "completed"), done.stderr
    assert repository.git("show", "stash^3:mine.txt") == "mine"
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"


def test_a_checkout_whose_branch_another_worktree_has_taken_goes_back_as_printed(make: Make) -> None:
    repository = make("git worktree add -qf ../w main; echo work > work.txt")

    refused = repository.doit()
    (free,) = printed(refused.stderr)
    done = repository.shell(free)

    assert "'main' is already checked out" in refused.stderr
    assert (done.status, state(repository)) == (0, "completed"), done.stderr
    assert repository.git("symbolic-ref", "--short", "HEAD") == "main"
