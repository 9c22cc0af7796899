"""What must be on the disk before something refers to it: a power loss takes what was only written."""

from pathlib import Path

import pytest

from chant_tasks import disk
from chant_tasks.git.runner import Git
from chant_tasks.journal import attempt, files
from chant_tasks.landing import save
from chant_tasks.state import Kind
from tests.integration.repository import Repository
from tests.unit.journal.records import ID, RECORD


def _trace(repository: Repository, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What one of our gits tells of its own work, its syncs among it."""
    trace = repository.outside / "trace"
    git = Git(repository.top)
    environment = {**git.environment(), "GIT_TRACE2_EVENT": str(trace)}
    with monkeypatch.context() as patch:
        patch.setattr(Git, "environment", lambda _: environment)
        git.run(*arguments)
    text = trace.read_text()
    trace.unlink()
    return text


def test_gits_that_write_objects_and_refs_sync_them(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    start = repository.commit()
    repository.write("one.txt", "one\n")
    other = repository.commit()
    repository.git("switch", "-q", "-c", "side", start)
    repository.write("two.txt", "two\n")
    repository.commit()
    repository.write("folder/three.txt", "three\n")

    for arguments in (
        ("add", "--all"),
        ("write-tree",),
        ("merge-tree", "--write-tree", "HEAD", other),
        ("update-ref", "refs/chant/some", other),
    ):
        assert "hardware-flush" in _trace(repository, monkeypatch, *arguments), arguments
    assert "hardware-flush" not in _trace(repository, monkeypatch, "status")


@pytest.mark.parametrize("script", ["git add .; echo a > a.txt; git add a.txt; git commit -qm a", "exit 3"])
def test_an_agents_work_is_on_the_disk_before_a_ref_of_ours_or_its_worktrees_end(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    spec_id = repository.add_spec("a", f"echo work > work.txt\n{script}")
    tip = repository.commit()
    seen: list[tuple[str, str, int]] = []

    def sync(folder: Path) -> None:
        disk.sync_file_system(folder)
        kept = repository.git("for-each-ref", "--format=%(refname)", "refs/chant/")
        seen.append((repository.tip("main"), kept, len([*repository.worktrees.iterdir()])))

    monkeypatch.setattr(save, "sync_file_system", sync)

    assert repository.work(spec_id).kind is (Kind.FAILED if script == "exit 3" else Kind.COMPLETED)
    assert seen == [(tip, "", 1)]


def test_an_attempts_mark_and_every_folder_on_the_way_to_its_record_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        disk.sync_folder(folder)
        synced.extend(path for path in folder.iterdir() if path not in synced)

    for module in (attempt, files):
        monkeypatch.setattr(module, "sync_folder", sync)
    attempt.add_record(tmp_path / "chant", RECORD, b"given")

    assert synced[:3] == [tmp_path / "chant", tmp_path / "chant" / "open", tmp_path / "chant" / "open" / ID]
    assert {*(tmp_path / "chant").rglob("*")} < {*synced}


def test_a_disk_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        disk.sync_file_system(tmp_path / "gone")

    assert raised.value.filename == str(tmp_path / "gone")
