"""What a look at a repository finds of killed runs and gits, and that mending loses nothing."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from chant_tasks.doctor.look import load_diagnosis
from chant_tasks.doctor.model import Kind, Severity
from chant_tasks.git.runner import Answer, Git
from chant_tasks.journal.flock import Lock
from chant_tasks.journal.locks import find_spec_lock
from chant_tasks.journal.transitions import to_finished
from chant_tasks.overview import load_overview
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind as StateKind
from chant_tasks.steps.attempt import save
from tests.integration.doctor import find_one, look, mend, mend_one
from tests.integration.repository import Repository, start_git

DEAD_HOOK = "#!/nowhere/interpreter\nexit 0\n"


def _make_dead_pid() -> int:
    done = subprocess.Popen(("true",))
    done.wait()
    return done.pid


def _make_old(path: Path) -> Path:
    """A file from long before any git that runs beside this test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    os.utime(path, (1, 1))
    return path


def _hold(repository: Repository, spec_id: SpecId) -> Lock:
    lock = find_spec_lock(repository.journal, spec_id)
    assert lock is not None
    return lock


def test_a_repository_in_which_specs_were_worked_is_healthy(repository: Repository) -> None:
    done, failed = repository.add_spec("a"), repository.add_spec("b", "echo half > b.txt\nexit 3")
    repository.commit()
    assert look(repository) == ()

    assert repository.work(done).kind is StateKind.COMPLETED
    assert repository.work(failed).kind is StateKind.FAILED

    assert look(repository) == ()


def test_what_something_takes_of_the_disk_is_what_du_says(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt\nexit 3")
    repository.commit()
    repository.work(spec_id)
    folder = repository.journal / "attempts" / spec_id

    journal, *_ = load_diagnosis(load_overview(repository.root)).uses

    said = subprocess.run(("du", "-s", "-B1", str(folder)), stdout=subprocess.PIPE, check=True, text=True).stdout
    assert journal.parts == ((spec_id, int(said.split()[0])),)


@pytest.mark.parametrize("isolation", ["worktree", "none"])
def test_work_on_branches_is_healthy_before_it_is_merged_and_after(repository: Repository, isolation: str) -> None:
    repository.write(".chant/config.md", f"---\nisolation: {isolation}\n---\n")
    spec_id = repository.add_spec("a", keys="branch: true")
    repository.commit()

    assert repository.work(spec_id).kind is StateKind.WAITING
    assert look(repository) == ()
    repository.git("merge", "-q", "--no-edit", f"chant/{spec_id}")
    assert look(repository) == ()
    repository.prepare()

    assert repository.state(spec_id).kind is StateKind.COMPLETED
    assert look(repository) == ()


def test_what_a_person_is_asked_for_is_nothing_for_the_doctor(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo work > shared.txt")
    repository.write("shared.txt", "one\n")
    repository.commit()

    state = repository.work(spec_id, lambda: repository.shell("echo other > shared.txt; git commit -qam other"))

    assert state.kind is StateKind.ATTENTION
    assert look(repository) == ()


def test_looking_changes_no_byte_of_git_nor_of_the_checkout(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "exit 3")
    repository.add_spec("b", "exit 3")
    repository.commit()
    repository.work(spec_id)
    _, attempt = repository.start(SpecId("2026-01-01-001-b"))
    attempt.release()
    _make_old(repository.journal / f".new-{_make_dead_pid()}-x")
    _make_old(repository.top / ".git" / "packed-refs.lock")
    repository.git("branch", "spec/2026-01-01-001-z")
    before = _snapshot(repository.top)

    found = look(repository)

    assert len(found) == 3
    assert _snapshot(repository.top) == before


def _snapshot(folder: Path) -> dict[str, tuple[float, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_git_is_started_as_often_for_many_specs_as_for_few(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    run = Git.run

    def run_counted(git: Git, *words: str, stdin: bytes | None = None, ok: tuple[int, ...] = (0,)) -> Answer:
        started.append(words[0])
        return run(git, *words, stdin=stdin, ok=ok)

    monkeypatch.setattr(Git, "run", run_counted)
    repository.add_spec("a")
    repository.commit()
    look(repository)
    few = len(started)
    started.clear()
    for number in range(60):
        name, keys = f"n{number}", "commits: [abcdef1]\ncompleted_at: 2026-01-01T00:00:00Z" if number % 2 else ""
        repository.add_spec(name, status="completed" if number % 2 else "pending", keys=keys)
    repository.commit("many")

    found = look(repository)

    assert len(found) == 30
    assert len(started) <= few + 2  # commits, and who squashed some, are asked for once there are any


def test_temporary_files_of_killed_runs_go(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    pid, git_dir, attempt = _make_dead_pid(), repository.top / ".git", repository.journal / "attempts" / spec_id / "1"
    left = [
        repository.root / ".chant" / "specs" / f".chant-{pid}-0123456789abcdef.tmp",
        repository.journal / f".new-{pid}-x",
        repository.journal / "forgotten" / f".new-{pid}-x",
        attempt / f".new-{pid}-x",
        git_dir / "chant-landing-index",
        git_dir / "chant-save-index",
        git_dir / "chant-mark-1",
    ]
    for path in left:
        _make_old(path)
    mine = _make_old(repository.journal / f".new-{os.getpid()}-x")

    mended = mend(repository)

    assert sorted(found.finding.where for found in mended) == sorted(map(str, left))
    assert {found.finding.kind for found in mended} == {Kind.TEMPORARY_FILE}
    assert all(found.is_done for found in mended)
    assert ([path for path in left if path.exists()], mine.exists()) == ([], True)


@pytest.mark.parametrize("ref", ["refs/chant/landing/{}", "refs/chant/attempts/{}/1", "refs/heads/spec/{}"])
def test_a_dead_lock_on_a_ref_that_only_we_write_goes(repository: Repository, ref: str) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    lock = _make_old(repository.top / ".git" / f"{ref.format(spec_id)}.lock")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.finding.where, mended.is_done) == (Kind.STALE_LOCK, str(lock), True)
    assert not lock.exists()


def test_a_lock_of_a_spec_that_is_worked_stays(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    lock = _make_old(repository.top / ".git" / "refs" / "heads" / "spec" / f"{spec_id}.lock")

    with _hold(repository, spec_id):
        assert look(repository) == ()
    assert lock.exists()


def test_a_dead_lock_on_packed_refs_goes_and_other_locks_are_told(repository: Repository) -> None:
    packed, index = (_make_old(repository.top / ".git" / name) for name in ("packed-refs.lock", "index.lock"))

    by_path = {found.finding.where: found for found in mend(repository)}

    assert (by_path[str(packed)].is_done, packed.exists()) == (True, False)
    assert (by_path[str(index)].is_done, index.exists()) == (False, True)
    assert by_path[str(index)].finding.todo == (f"rm {index}   # once no git runs here",)


def test_a_lock_that_a_living_git_may_hold_is_none_of_ours(repository: Repository) -> None:
    with start_git(repository, b"start\n", "update-ref", "--stdin"):
        (repository.top / ".git" / "index.lock").write_bytes(b"")
        found = look(repository)

    assert found == ()


def test_an_attempt_that_was_stopped_midway_is_picked_up(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "echo half > a.txt\nexit 3")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()

    mended = mend_one(repository)

    assert mended.finding.kind is Kind.ATTEMPT
    assert mended.finding.what == "attempt 1 was stopped midway: the next doit goes on from there"
    assert mended.is_done, mended.words
    assert repository.show("a.txt", f"refs/chant/attempts/{spec_id}/1") == "half\n"
    repository.assert_no_traces()
    assert look(repository) == ()


def test_a_worktree_that_is_gone_from_under_an_attempt_is_said(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _, attempt = repository.start(spec_id)
    attempt.release()
    repository.shell(f"rm -r {attempt.worktree}")

    mended = mend_one(repository)

    assert "its worktree is gone" in mended.finding.what
    assert mended.finding.severity is Severity.PROBLEM
    assert mended.is_done, mended.words
    assert look(repository) == ()


def test_a_worktree_that_was_parked_before_its_landing_was_recorded_is_nobodys_concern(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    run, attempt = repository.start(spec_id)
    save(run, attempt, to_finished(attempt.record, repository.tip(attempt.record.branch), ()))
    attempt.release()
    repository.shell(f"rm -r {attempt.worktree}")

    found = find_one(repository)

    assert (found.severity, found.what) == (
        Severity.NOTE,
        "attempt 1 was stopped midway: the next doit goes on from there",
    )


def test_an_attempt_that_is_worked_is_left_alone(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    _, attempt = repository.start(spec_id)

    assert look(repository) == ()
    found_before = repository.record(spec_id)
    assert mend(repository) == ()
    assert repository.record(spec_id) == found_before
    attempt.release()


def test_a_mark_without_a_record_goes(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.prepare()
    mark = _make_old(repository.journal / "open" / spec_id)

    mended = mend_one(repository)

    assert mended.finding.what == "an attempt is marked as open, and there is no record of it"
    assert (mended.is_done, mark.exists()) == (True, False)


def test_a_record_that_cannot_be_read_is_set_aside(repository: Repository) -> None:
    spec_id = repository.add_spec("a", "exit 3")
    repository.commit()
    repository.work(spec_id)
    record = repository.journal / "attempts" / spec_id / "1" / "record.json"
    record.write_bytes(b"{half")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.finding.spec, mended.is_done) == (Kind.RECORD, spec_id, True)
    assert record.with_name("record.json.broken").read_bytes() == b"{half"
    assert look(repository) == ()


def test_a_forgetting_that_cannot_be_read_needs_somebody(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    repository.work(spec_id)
    repository.forget(spec_id)
    (repository.journal / "forgotten" / spec_id).write_bytes(b"\xff")

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done) == (Kind.RECORD, False)
    assert mended.finding.todo[0] == f"doit forget {spec_id}"
    repository.forget(spec_id)
    assert look(repository) == ()


def test_a_journal_that_others_can_read_is_closed(repository: Repository) -> None:
    repository.prepare()
    repository.journal.chmod(0o755)

    mended = mend_one(repository)

    assert (mended.finding.kind, mended.is_done) == (Kind.JOURNAL, True)
    assert stat.S_IMODE(repository.journal.stat().st_mode) == 0o700


def test_a_journal_that_is_a_link_is_said(repository: Repository) -> None:
    (repository.top / ".git" / "chant").symlink_to(repository.outside)

    found = find_one(repository)

    assert (found.kind, found.what) == (Kind.JOURNAL, f"{repository.journal} is no folder but a link")


def test_a_file_system_without_locks_is_said(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)

    found = find_one(repository)

    assert found.kind is Kind.LOCKS
    assert found.what.endswith("No locks available")


def test_a_hook_that_git_cannot_start_is_said_before_it_fails_a_landing(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    hook = repository.top / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(DEAD_HOOK)
    left_out = find_one(repository)
    hook.chmod(0o755)

    failing = find_one(repository)

    assert (left_out.kind, left_out.severity) == (Kind.HOOK, Severity.NOTE)
    assert (failing.kind, failing.severity, failing.where) == (Kind.HOOK, Severity.PROBLEM, str(hook))
    assert "/nowhere/interpreter" in failing.what
    repository.shell(failing.todo[0].partition("or: ")[2])
    assert repository.work(spec_id).kind is StateKind.COMPLETED


def test_settings_that_a_run_would_refuse_are_said(repository: Repository) -> None:
    repository.write(".chant/config.md", "---\ncriterias: warn\n---\n")
    repository.commit()

    found = find_one(repository)

    assert found.kind is Kind.REPOSITORY
    assert "criterias" in found.what
