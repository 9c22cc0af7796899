"""What is told of a settled spec at once is what the graph and the one state function say when they are asked."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chant_tasks.config import Config
from chant_tasks.git.runner import Oid
from chant_tasks.journal.pushes import PushRecord
from chant_tasks.journal.tombstones import Tombstone
from chant_tasks.overview import GitFacts, JournalFacts, Overview, Target, with_problems
from chant_tasks.overview.history import find_settled, plan_project_graph
from chant_tasks.overview.overlaps import plan_overlaps
from chant_tasks.project import Project
from chant_tasks.spec.ids import short_ids
from chant_tasks.spec.index import load_index, render_index
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.short_ids import ShortIds
from chant_tasks.spec.store import SpecFolder, load_specs

IDS = ("a", "a.1", "a.2", "b", "b.1", "x-c", "y-c", "d", "e")
LONG_AGO = 1_600_000_000

specs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["completed"] * 4 + ["pending", "cancelled", "failed", "paused"]),
        "type": st.sampled_from(["code"] * 4 + ["driver"]),
        "depends_on": st.none() | st.lists(st.sampled_from((*IDS, "gone", "kept")), max_size=2),
        "target_files": st.lists(st.sampled_from(["one.py", "two.py"]), max_size=1),
    }
)
folders = st.dictionaries(st.sampled_from(IDS), specs, min_size=1)
some_ids = st.frozensets(st.sampled_from(IDS).map(SpecId), max_size=2)


def write(folder: Path, files: Mapping[str, Mapping[str, object]]) -> None:
    for name, keys in files.items():
        head = "".join(f"{key}: {value}\n" for key, value in keys.items() if value is not None)
        path = folder / f"{name}.md"
        path.write_text(f"---\n{head}---\n# {name}\n".replace("'", '"'))
        os.utime(path, (LONG_AGO, LONG_AGO))


def find_overview(folder: SpecFolder, journal: JournalFacts, *, is_checked_out: bool) -> Overview:
    facts = GitFacts(
        target=Target(branch="main", tip=Oid("1"), is_checked_out=is_checked_out),
        on_target={},
        branches={},
        tips={},
        on_branches={},
    )
    archived = frozenset({SpecId("kept")})
    settled = find_settled(folder, facts, journal)
    root = Path("/project")
    overview = Overview(
        project=Project(root=root, top=root, git_dir=root / ".git", common_dir=root / ".git"),
        config=Config(),
        config_error=None,
        folder=folder,
        archived=archived,
        graph=plan_project_graph((folder, facts, journal), archived, settled),
        short=ShortIds([*folder.ids, *archived]),
        facts=facts,
        journal=journal,
        problems={},
        states={},
        settled=settled,
    )
    return with_problems(overview, {})


@settings(deadline=None)
@given(folders, some_ids, some_ids, some_ids, st.booleans())
def test_what_is_remembered_changes_nothing_that_is_said(
    files: Mapping[str, Mapping[str, object]],
    forgotten: frozenset[SpecId],
    in_flight: frozenset[SpecId],
    pushed: frozenset[SpecId],
    is_checked_out: bool,
) -> None:
    tombstone = Tombstone(completed_at=None, commits=(), attempts=0)
    journal = JournalFacts(
        tombstones=dict.fromkeys(forgotten, tombstone),
        open=in_flight,
        records={},
        workers={},
        pushes={spec_id: PushRecord(spec=spec_id, remote="origin", branch="x") for spec_id in pushed},
    )
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder, now = Path(name), time.time_ns
        patch.setattr("chant_tasks.spec.store.time.time_ns", lambda: now() + 86_400 * 10**9)
        write(folder, files)
        first = load_specs(folder)
        data = b"".join(render_index(tuple(first.entries.items()), ""))
        warm = load_specs(folder, load_index(lambda start, length: data[start : start + length], "", len(data)))

        one = find_overview(warm, journal, is_checked_out=is_checked_out)
        other = find_overview(first, journal, is_checked_out=is_checked_out)

        assert other.settled == frozenset()
        assert len(one.states) == len(other.states) == len(files)
        assert dict(one.states) == dict(other.states)
        assert (one.ids, dict(one.short)) == (other.ids, dict(other.short))
        assert (one.graph.problems, one.graph.warnings) == (other.graph.problems, other.graph.warnings)
        for spec_id in one.ids:
            assert one.graph.needs.get(spec_id, ()) == other.graph.needs.get(spec_id, ())
            assert one.graph.needed_by.get(spec_id, ()) == other.graph.needed_by.get(spec_id, ())
            assert one.graph.members.get(spec_id, ()) == other.graph.members.get(spec_id, ())
            assert one.folder.find_title(spec_id) == other.folder.find_title(spec_id)
            assert one.is_driver(spec_id) == other.is_driver(spec_id)
        assert plan_overlaps(one) == plan_overlaps(other)


@given(st.lists(st.from_regex(r"[ab-]{1,6}", fullmatch=True).map(SpecId), max_size=80), st.sets(st.sampled_from("ab")))
def test_a_short_id_that_is_found_alone_is_that_which_is_found_with_all_others(
    ids: list[SpecId], reserved: set[str]
) -> None:
    found = ShortIds(ids, reserved)

    assert {spec_id: found[spec_id] for spec_id in ids} == short_ids(ids, reserved)
    assert list(found) == list(dict.fromkeys(ids))
    assert SpecId("c") not in found
