"""Reading what all looks share, with a number of git starts that does not grow with that of the specs."""

from collections.abc import Mapping
from pathlib import Path

from chant_tasks.doctor.model import Sight
from chant_tasks.git.refs import load_refs
from chant_tasks.git.runner import Git
from chant_tasks.journal.attempt import AttemptRecord, load_open, load_records
from chant_tasks.journal.locks import is_spec_locked
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId

_REFS = ("refs/chant/", "refs/heads/")


def load_sight(overview: Overview) -> Sight:
    """What the looks are made from. Raises GitError."""
    project, git, tip = overview.project, Git(overview.project.top), overview.target.tip
    journal = project.journal_folder
    records = _load_all_records(journal)
    merged = git.run("for-each-ref", f"--merged={tip}", "--format=%(refname)", *_REFS).text if tip else ""
    listed = git.run("ls-tree", "-z", "--name-only", "--full-tree", tip, project.specs_prefix).fields if tip else ()
    names = (path.removeprefix(project.specs_prefix) for path in listed)
    return Sight(
        overview=overview,
        records=records,
        working=frozenset(spec for spec in {*records, *load_open(journal)} if is_spec_locked(journal, spec)),
        on_target=frozenset(SpecId(name.removesuffix(".md")) for name in names if name.endswith(".md")),
        refs=load_refs(git, *_REFS),
        merged=frozenset(merged.splitlines()),
    )


def _load_all_records(journal: Path) -> Mapping[SpecId, tuple[AttemptRecord, ...]]:
    folder = journal / "attempts"
    specs = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return {SpecId(spec): load_records(journal, SpecId(spec)) for spec in specs}
