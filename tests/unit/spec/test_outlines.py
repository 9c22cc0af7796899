"""Where many files are new, what is told of them is what reading each of them whole would tell."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from chant_tasks.spec.index import NO_INDEX
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_outline, parse_spec
from chant_tasks.spec.store import SpecFolder, load_spec, load_specs
from tests.unit.spec.corpus import CORPUS, needs_corpus

MANY = 60
LONG_AGO = 1_600_000_000
TEXTS = {
    "done": "---\nstatus: completed\nlabels: [x]\n---\n# Title\n\n## Acceptance Criteria\n\n- [x] done\n",
    "quoted": "---\nstatus: 'completed'\n---\nWords\n=====\n",
    "open": "---\nstatus: pending\n---\n# Open\n\n## Acceptance Criteria\n\n- [ ] not done\n",
    "within": "---\nprompt: |\n  x\nstatus: completed\nlabels: {no: list}\n---\n",
    "said": "---\nstatus: pending\n---\n# Title\n\nstatus: completed\n",
    "endless": "---\nstatus: completed\n",
    "plain": "# No spec\n\nstatus: completed\n",
}
ODD = ("a\nb.md", f"{'long' * 50}.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Many specs, some of a kind of their own, none of which has changed for long."""
    texts = {f"{name}.md": text for name, text in TEXTS.items()} | dict.fromkeys(ODD, TEXTS["done"])
    texts |= {f"a-{number}.md": TEXTS["done"] for number in range(MANY)}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    (tmp_path / "link.md").symlink_to("done.md")
    return tmp_path


def test_each_spec_is_what_its_file_says(folder: Path) -> None:
    found = load_specs(folder)

    assert len(found.remembered) == MANY + 2
    assert set(found.specs) == {*found.remembered.places, "open", "said"}
    assert dict(found.specs) == {spec_id: load_spec(folder / f"{spec_id}.md") for spec_id in found.specs}
    assert set(found.unreadable) == {"within", "endless", "link", ODD[1][:-3], r"a\nb"}
    assert [path.name for path in found.without_frontmatter] == ["plain.md"]


def test_an_outline_has_all_but_the_criteria(folder: Path) -> None:
    found = load_specs(folder)

    outlines = {spec.id: spec for spec in found.outlines}

    assert list(outlines) == list(found.specs)
    for spec_id, spec in found.specs.items():
        outline = found.find_outline(spec_id)
        assert replace(outlines[spec_id], criteria=spec.criteria) == spec
        assert outline is not None
        assert outline.title == found.find_title(spec_id)
    assert found.find_outline(SpecId("within")) is None


def test_what_has_changed_just_now_is_remembered_by_this_command_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = load_specs(folder)
    monkeypatch.setattr("chant_tasks.spec.outlines.is_settled", lambda *_: True)
    later = load_specs(folder)

    assert (now.outlined, now.racy, later.outlined, later.racy) == (0, set(now.remembered.places), MANY + 2, set())


def test_an_edit_of_many_is_told_and_seen_beside_what_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chant_tasks.spec.store._LONG", MANY)
    known = load_specs(folder).known
    for number in range(MANY):
        (folder / f"a-{number}.md").write_text(TEXTS["done"].replace("Title", "Other"))

    told: list[int] = []
    found = load_specs(folder, known, told.append)

    assert {spec_id: found.find_title(spec_id) for spec_id in ("a-1", "done", "quoted")} == {  # type: ignore[arg-type]
        "a-1": "Other",
        "done": "Title",
        "quoted": "Words",
    }
    assert_same(found, load_specs(folder, NO_INDEX))
    assert told == [MANY + 7]  # all that is not known


@needs_corpus
def test_every_spec_of_the_corpus_has_its_outline() -> None:
    for path in CORPUS.rglob("*.md"):
        spec_id, data = SpecId(path.stem), path.read_bytes()
        spec = parse_spec(spec_id, path, data)

        assert parse_outline(spec_id, path, data) == (
            replace(spec, criteria=(), problem=None) if spec is not None else None
        )


def assert_same(one: SpecFolder, other: SpecFolder) -> None:
    assert (one.ids, dict(one.specs), one.unreadable.keys()) == (other.ids, dict(other.specs), other.unreadable.keys())
