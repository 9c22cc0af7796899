"""How the journal's files are written, and whose its folder may be."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.errors import RepositoryError
from chant_tasks.journal.attempt import add_open, attempt_folder, find_numbers, remove_half_written, save_record
from chant_tasks.journal.files import add_journal, find_half_written, save_all, save_whole
from chant_tasks.journal.locks import find_spec_lock
from tests.unit.journal.records import ID, RECORD

OTHER = 54321  # a user that is nobody here
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Nothing is kept from others but by its maker."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    save_whole(tmp_path / "below" / "file", b"one")
    save_whole(tmp_path / "below" / "file", b"two")

    assert [(path.name, path.read_bytes()) for path in (tmp_path / "below").iterdir()] == [("file", b"two")]


def test_what_cannot_be_written_is_named_by_the_file_that_it_is_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()

    with pytest.raises(IsADirectoryError) as raised:
        save_whole(tmp_path / "file", b"one")

    assert (raised.value.filename, raised.value.filename2) == (str(tmp_path / "file"), None)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_all_of_the_journal_is_its_owners_alone_whatever_the_umask_is(tmp_path: Path, no_umask: None) -> None:
    journal = tmp_path / "chant"
    add_journal(journal)
    save_record(journal, RECORD)
    lock = find_spec_lock(journal, ID)
    assert lock is not None
    lock.release()

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (journal, *journal.rglob("*"))}

    assert len(modes) == 10
    assert {path: mode for path, mode in modes.items() if mode & 0o077} == {}


def test_a_journal_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "chant").mkdir(mode=0o755)

    add_journal(tmp_path / "chant")

    assert stat.S_IMODE((tmp_path / "chant").stat().st_mode) == 0o700


def test_a_journal_that_is_a_link_or_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "file").write_text("mine\n")

    for name, kind in (("link", "a link"), ("file", "a file")):
        with pytest.raises(RepositoryError, match=f"{name} is no folder but {kind}"):
            add_journal(tmp_path / name)
    assert [*(tmp_path / "mine").iterdir()] == []


@as_root
def test_a_journal_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chant").mkdir()
    os.chown(tmp_path / "chant", OTHER, OTHER)

    with pytest.raises(RepositoryError, match="chant belongs to another user"):
        add_journal(tmp_path / "chant")


@as_root
def test_a_journal_that_another_users_link_leads_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "link").symlink_to("git")
    add_journal(tmp_path / "link" / "chant")
    os.lchown(tmp_path / "link", OTHER, OTHER)

    with pytest.raises(RepositoryError, match="link is another user's link"):
        add_journal(tmp_path / "link" / "chant")


def test_several_files_are_there_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "chant" / "second").mkdir(parents=True)  # no file can take its place

    with pytest.raises(IsADirectoryError) as raised:
        save_all(tmp_path / "chant", {"first": b"1", "second": b"2", "third": b"3"})

    assert raised.value.filename == str(tmp_path / "chant" / "second")
    assert sorted(path.name for path in (tmp_path / "chant").iterdir()) == ["first", "second"]
    assert stat.S_IMODE((tmp_path / "chant" / "first").stat().st_mode) == 0o600


def test_what_is_half_written_tells_who_writes_it(tmp_path: Path) -> None:
    for name in (".new-12-abc", ".new-abc", "new-12-abc"):
        (tmp_path / name).write_bytes(b"half")

    assert list(find_half_written(tmp_path)) == [(tmp_path / ".new-12-abc", 12)]


def test_what_a_killed_process_half_wrote_of_an_attempt_goes(tmp_path: Path) -> None:
    save_record(tmp_path, RECORD)
    folder = attempt_folder(tmp_path, ID, 1)
    (folder / "given.md").write_bytes(b"given")
    for name in (".new-12-abc", "exit.new", "log.new", "reserve"):
        (folder / name).write_bytes(b"half")

    remove_half_written(tmp_path, ID)

    assert sorted(path.name for path in folder.iterdir()) == ["given.md", "record.json"]


def test_an_attempt_that_was_never_written_down_is_none(tmp_path: Path) -> None:
    """Else the one before it would no longer be the last."""
    save_record(tmp_path, RECORD)
    add_open(tmp_path, ID)
    save_whole(attempt_folder(tmp_path, ID, 2) / "given.md", b"given")
    (attempt_folder(tmp_path, ID, 2) / ".new-12-abc").write_bytes(b"half")

    remove_half_written(tmp_path, ID)

    assert find_numbers(tmp_path, ID) == (1,)


def test_an_attempt_without_a_record_that_holds_more_stays(tmp_path: Path) -> None:
    save_whole(attempt_folder(tmp_path, replace(RECORD, number=2).spec, 2) / "log", b"what was said")

    remove_half_written(tmp_path, ID)

    assert find_numbers(tmp_path, ID) == (2,)
