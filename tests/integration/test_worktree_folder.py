"""What keeps a worktree from being made or furnished: one line that says what, where, and what to do."""

import os
import threading
from pathlib import Path

import pytest

from chant_tasks.errors import WorktreeError
from chant_tasks.journal.ownership import find_foreign_part
from chant_tasks.state import Ending, Kind, State
from chant_tasks.steps.worktree import add_attempt
from tests.integration.repository import Repository
from tests.processes import wait_until

OTHER = 54321  # a user that is nobody here
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
HINT = "name a folder of your own: worktrees.path in .chant/config.md, or TMPDIR"


def _set_path(repository: Repository, path: Path) -> None:
    repository.write(".chant/config.md", f"---\nworktrees:\n  path: {path}\n---\n")
    repository.add_spec("a")
    repository.commit()


def _refuse(repository: Repository) -> WorktreeError:
    with pytest.raises(WorktreeError) as caught:
        repository.prepare(repository.add_spec("a"))
    return caught.value


def test_a_path_for_worktrees_that_is_a_file_is_refused_before_anything_starts(repository: Repository) -> None:
    file = repository.outside / "file"
    file.write_text("mine\n")
    _set_path(repository, file)

    refused = _refuse(repository)

    assert (refused.reason, refused.hint) == (f"no worktree can be made in {file}: File exists", HINT)
    assert file.read_text() == "mine\n"


def test_a_path_for_worktrees_below_a_file_or_in_a_circle_of_links_is_refused(repository: Repository) -> None:
    (repository.outside / "file").write_text("mine\n")
    (repository.outside / "round").symlink_to("round")
    _set_path(repository, repository.outside / "file" / "below")
    below = _refuse(repository)
    _set_path(repository, repository.outside / "round")

    circle = _refuse(repository)

    assert below.reason == f"no worktree can be made in {repository.outside}/file/below: Not a directory"
    assert circle.reason.startswith(f"no worktree can be made in {repository.outside}/round: ")
    assert "\n" not in circle.reason


@as_root
def test_a_folder_for_worktrees_that_is_another_users_is_refused(repository: Repository) -> None:
    theirs = repository.outside / "theirs"
    theirs.mkdir(mode=0o777)
    os.chown(theirs, OTHER, OTHER)
    _set_path(repository, theirs)

    refused = _refuse(repository)

    assert refused.reason == f"no worktree is made in {theirs}: {theirs} belongs to another user"
    assert list(theirs.iterdir()) == []


@as_root
def test_a_folder_for_worktrees_that_another_users_link_leads_to_is_refused(repository: Repository) -> None:
    link, below = repository.outside / "link", repository.outside / "link" / "below"
    (repository.outside / "mine").mkdir()
    link.symlink_to("mine")
    os.lchown(link, OTHER, OTHER)
    _set_path(repository, below)

    refused = _refuse(repository)

    assert refused.reason == f"no worktree is made in {below}: {link} belongs to another user"


@as_root
def test_a_link_behind_a_link_counts_too(tmp_path: Path) -> None:
    (tmp_path / "end").mkdir()
    (tmp_path / "two").symlink_to(tmp_path / "end")
    (tmp_path / "one").symlink_to("two")
    trusted = {part.lstat().st_uid for part in (tmp_path, *tmp_path.parents)}
    os.lchown(tmp_path / "two", OTHER, OTHER)

    assert find_foreign_part(tmp_path / "one", trusted) == tmp_path / "two"
    assert find_foreign_part(tmp_path / "end", trusted) is None


def test_a_link_of_ones_own_is_fine(repository: Repository) -> None:
    (repository.outside / "mine").mkdir()
    (repository.outside / "link").symlink_to("mine")
    _set_path(repository, repository.outside / "link")

    assert repository.work(repository.add_spec("a")).kind is Kind.COMPLETED


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".worktreeinclude", b".env\n!\n", ".worktreeinclude:2: `!` is no pattern of git's;"),
        (".worktreeinclude", b"\xff\xfe\n", ".worktreeinclude is not UTF-8 text;"),
        (
            ".chant/config.md",
            b"---\nworktrees:\n  include: ['!']\n---\n",
            "worktrees.include: `!` is no pattern of git's;",
        ),
    ],
)
def test_what_names_files_for_worktrees_and_is_no_pattern_is_said_in_a_line(
    repository: Repository, name: str, text: bytes, expected: str
) -> None:
    spec_id = repository.add_spec("a")
    repository.write(name, text)
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert state.reason.startswith(expected)
    assert "\n" not in state.reason
    assert repository.count_runs("a") == 0
    repository.assert_no_traces()


def _set_up(repository: Repository, setup: str, timeouts: str = "") -> None:
    repository.write(".chant/config.md", f"---\nworktrees:\n  setup: {setup}\n{timeouts}---\n")


def test_a_run_that_is_stopped_during_the_setup_interrupts_the_spec(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    _set_up(repository, f"touch {repository.outside}/up; sleep 60")
    repository.commit()
    run = repository.prepare(spec_id)

    def stop() -> None:
        wait_until((repository.outside / "up").exists, "the setup runs")
        run.stop.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    state = add_attempt(run, spec_id)
    stopper.join()

    record = repository.record(spec_id)
    assert isinstance(state, State)
    assert state.kind is Kind.READY
    assert record.ending is Ending.INTERRUPTED
    assert record.reason == f"worktrees.setup `touch {repository.outside}/up; sleep 60` was stopped"
    repository.assert_no_traces()


def test_a_setup_that_says_nothing_for_too_long_is_ended(repository: Repository) -> None:
    spec_id = repository.add_spec("a")
    _set_up(repository, "sleep 60", "timeouts:\n  silence: 1s\n")
    repository.commit()

    state = repository.work(spec_id)

    assert (state.kind, state.reason) == (
        Kind.FAILED,
        "worktrees.setup `sleep 60` was ended by the silence timeout",
    )
    assert repository.count_runs("a") == 0
    repository.assert_no_traces()


def test_commits_that_share_no_history_with_the_target_fail_the_spec(repository: Repository) -> None:
    orphan = "git switch -q --orphan other; echo work > a.txt; git add a.txt; git commit -qm orphan\n"
    restore = 'mkdir -p "$(dirname "$CHANT_SPEC_FILE")"; git show main:{path} > "$CHANT_SPEC_FILE"\n'
    spec_id = repository.add_spec("a", orphan + restore.replace("{path}", ".chant/specs/2026-01-01-001-a.md"))
    repository.commit()

    state = repository.work(spec_id)

    assert state.kind is Kind.FAILED
    assert "the agent began a history that shares nothing with main" in state.reason
    assert "a.txt" in repository.files(f"refs/chant/attempts/{spec_id}/1")
    repository.assert_no_traces()


@pytest.mark.parametrize("isolation", ["worktree", "none"])
def test_work_and_journal_are_their_owners_alone_whatever_the_umask_is(repository: Repository, isolation: str) -> None:
    told = repository.outside / "mode"
    spec_id = repository.add_spec("a", f"stat -c %a . > {told}; echo x > a.txt; echo y > left.txt; exit 3")
    repository.write(".chant/config.md", f"---\nisolation: {isolation}\n---\n")
    repository.commit()
    before = os.umask(0)
    try:
        assert repository.work(spec_id).kind is Kind.FAILED
    finally:
        os.umask(before)

    modes = {str(path): path.lstat().st_mode & 0o077 for path in (repository.journal, *repository.journal.rglob("*"))}
    assert told.read_text() == "700\n" or isolation == "none"
    assert {path: mode for path, mode in modes.items() if mode} == {}
