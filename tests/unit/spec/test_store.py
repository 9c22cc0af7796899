"""Folders of specs on a disk, and files replaced at once."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chant_tasks.errors import FileError, SpecError
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.small_file import MOST_BYTES
from chant_tasks.spec.store import load_archived_ids, load_spec, load_spec_bytes, load_specs, save_file
from tests.unit.spec.corpus import CORPUS, needs_corpus

SPEC = b"---\nstatus: pending\n---\n# Title\n"

_NOBODY = 65534


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Path]:
    """A folder whose permissions hold for whoever runs the tests: root, who may read and write everything, is somebody
    else meanwhile."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with TemporaryDirectory() as name:
        os.chown(name, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)


def write(folder: Path, *names: str, data: bytes = SPEC) -> None:
    for name in names:
        (folder / name).write_bytes(data)


class TestLoading:
    def test_specs_come_in_the_order_of_their_ids(self, tmp_path: Path) -> None:
        write(tmp_path, "2026-01-24-001-a.10.md", "2026-01-24-001-a.9.md", "2026-01-24-001-a.md", "2026-01-23-zzz-a.md")

        assert list(load_specs(tmp_path).specs) == [
            "2026-01-23-zzz-a",
            "2026-01-24-001-a",
            "2026-01-24-001-a.9",
            "2026-01-24-001-a.10",
        ]

    def test_only_files_of_the_folder_that_end_in_md_are_looked_at(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", ".hidden.md", "b.txt", "c.md.bak", ".md")
        (tmp_path / "below").mkdir()
        write(tmp_path / "below", "d.md")

        assert list(load_specs(tmp_path).specs) == ["a"]

    def test_one_whose_file_is_as_it_was_is_not_parsed_again(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", "b.md")
        known = load_specs(tmp_path)
        write(tmp_path, "b.md", data=SPEC.replace(b"pending", b"completed"))

        assert load_spec(tmp_path / "a.md", known) is known.specs[SpecId("a")]
        assert load_spec(tmp_path / "b.md", known).status is Status.COMPLETED
        assert known.find_same(SpecId("a"), SPEC) is known.specs[SpecId("a")]
        assert known.find_same(SpecId("a"), SPEC + b" ") is None
        assert known.find_same(SpecId("c"), SPEC) is None

    def test_a_file_without_frontmatter_is_listed_apart(self, tmp_path: Path) -> None:
        write(tmp_path, "README.md", data=b"# Specs\n")
        folder = load_specs(tmp_path)

        assert (folder.specs, folder.unreadable, folder.without_frontmatter) == ({}, {}, (tmp_path / "README.md",))

    def test_what_cannot_be_read_stops_no_other(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        write(tmp_path, "broken.md", data=b"---\na: b: c\n---\n")
        (tmp_path / "folder.md").mkdir()
        (tmp_path / "gone.md").symlink_to("nowhere.md")
        (tmp_path / "long.md").write_bytes(SPEC + b"x" * MOST_BYTES)
        (tmp_path / f"{'n' * 151}.md").write_bytes(SPEC)
        os.mkfifo(tmp_path / "pipe.md")
        (tmp_path / "line\nbreak.md").write_bytes(SPEC)
        folder = load_specs(tmp_path)

        assert list(folder.specs) == ["a"]
        assert {spec: str(error) for spec, error in folder.unreadable.items()} == {
            "broken": f"{tmp_path}/broken.md:2: YAML: mapping values are not allowed in this context",
            "folder": f"{tmp_path}/folder.md: is no regular file",
            "gone": f"{tmp_path}/gone.md: is a link, and git has no text of it\n  put the file itself there",
            "line\\nbreak": f"{tmp_path}/line\\nbreak.md: its name holds what cannot be printed\n  rename it",
            "long": f"{tmp_path}/long.md: has 1,048,608 bytes; 1,048,576 are read at most",
            "n" * 151: f"{tmp_path}/{'n' * 151}.md: its name has 151 bytes, more than 150\n  rename it",
            "pipe": f"{tmp_path}/pipe.md: is no regular file",
        }

    def test_a_file_that_may_not_be_read_is_unreadable(self, guarded: Path) -> None:
        write(guarded, "a.md")
        (guarded / "a.md").chmod(0)

        assert str(load_specs(guarded).unreadable[SpecId("a")]) == f"{guarded}/a.md: cannot be read: Permission denied"

    def test_no_link_is_a_spec_wherever_it_leads(self, tmp_path: Path) -> None:
        write(tmp_path, "real.txt")
        for name, leads_to in (("near", "real.txt"), ("loop", "loop.md"), ("up", ".."), ("device", "/dev/zero")):
            (tmp_path / f"{name}.md").symlink_to(leads_to)
        folder = load_specs(tmp_path)

        assert folder.specs == {}
        assert {error.reason for error in folder.unreadable.values()} == {"is a link, and git has no text of it"}
        with pytest.raises(SpecError, match="is a link"):
            load_spec_bytes(tmp_path / "near.md")

    @pytest.mark.parametrize("linked", [".chant", ".chant/specs"])
    def test_behind_a_folder_that_git_sees_as_a_link_nothing_can_be_worked(self, tmp_path: Path, linked: str) -> None:
        (tmp_path / ".chant" / "specs").mkdir(parents=True)
        write(tmp_path / ".chant" / "specs", "a.md")
        (tmp_path / linked).rename(tmp_path / "elsewhere")
        (tmp_path / linked).symlink_to(tmp_path / "elsewhere")
        folder = load_specs(tmp_path / ".chant" / "specs")

        assert folder.specs == {}
        assert str(folder.unreadable[SpecId("a")]).startswith(f"{tmp_path / linked}: is a link, behind which git sees")

    def test_a_folder_that_leads_nowhere_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "specs").symlink_to("nowhere")

        with pytest.raises(SpecError, match="links to a folder that is not there"):
            load_specs(tmp_path / "specs")

    def test_no_folder_has_no_specs(self, tmp_path: Path) -> None:
        assert load_specs(tmp_path / "specs").specs == {}

    def test_a_file_in_place_of_the_folder_is_an_error(self, tmp_path: Path) -> None:
        write(tmp_path, "specs")

        with pytest.raises(SpecError, match="cannot be read: Not a directory"):
            load_specs(tmp_path / "specs")

    def test_one_spec_is_named_by_its_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.1.md")

        assert load_spec(tmp_path / "a.1.md").id == "a.1"

    def test_one_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md", data=b"text")

        with pytest.raises(SpecError, match="has no frontmatter, so it is no spec"):
            load_spec(tmp_path / "a.md")
        with pytest.raises(SpecError, match="is not there"):
            load_spec(tmp_path / "b.md")

    def test_archived_ids_are_found_at_any_depth(self, tmp_path: Path) -> None:
        (tmp_path / "2026" / "01").mkdir(parents=True)
        write(tmp_path / "2026" / "01", "a.1.md", ".b.md", "c.txt", data=b"no matter what")
        write(tmp_path, "d.md")

        assert load_archived_ids(tmp_path) == {"a.1", "d"}
        assert load_archived_ids(tmp_path / "none") == frozenset()

    @needs_corpus
    def test_every_real_spec_is_read(self) -> None:
        folder = load_specs(CORPUS)

        assert (folder.unreadable, folder.without_frontmatter) == ({}, ())
        assert Counter(spec.status for spec in folder.specs.values()) == {
            Status.COMPLETED: 458,
            Status.PENDING: 7,
            Status.CANCELLED: 5,
            Status.IN_PROGRESS: 1,
        }
        assert {spec.id for spec in folder.specs.values() if spec.problem} == {
            "2026-01-26-00d-3zm",
            "2026-01-27-014-dii",
            "2026-01-28-001-mek",
            "2026-01-29-00n-3cf",
        }


class TestSaving:
    def test_a_file_is_replaced_with_its_permissions(self, tmp_path: Path) -> None:
        path = tmp_path / "a.md"
        write(tmp_path, "a.md")
        path.chmod(0o640)
        before = path.stat().st_ino

        save_file(path, b"new")

        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)
        assert path.stat().st_ino != before
        assert os.listdir(tmp_path) == ["a.md"]  # noqa: PTH208 - the hidden ones too, by name

    def test_a_new_file_has_the_permissions_of_any_new_file(self, tmp_path: Path) -> None:
        write(tmp_path, "other")

        save_file(tmp_path / "a.md", b"new")

        assert (tmp_path / "a.md").stat().st_mode == (tmp_path / "other").stat().st_mode

    def test_a_link_stays_and_its_target_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        write(tmp_path / "real", "target.md")
        (tmp_path / "one.md").symlink_to("real/target.md")
        (tmp_path / "two.md").symlink_to("one.md")

        save_file(tmp_path / "two.md", b"new")

        assert (tmp_path / "two.md").is_symlink()
        assert (tmp_path / "real" / "target.md").read_bytes() == b"new"

    def test_a_folder_that_may_not_be_written_is_an_error_and_the_file_is_as_it_was(self, guarded: Path) -> None:
        write(guarded, "a.md")
        guarded.chmod(0o500)

        with pytest.raises(FileError, match="cannot be written: Permission denied"):
            save_file(guarded / "a.md", b"new")
        guarded.chmod(0o700)

        assert (guarded / "a.md").read_bytes() == SPEC

    def test_what_cannot_be_replaced_leaves_nothing_behind(self, tmp_path: Path) -> None:
        (tmp_path / "a.md").mkdir()

        with pytest.raises(FileError, match="cannot be written: Is a directory"):
            save_file(tmp_path / "a.md", b"new")

        assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
