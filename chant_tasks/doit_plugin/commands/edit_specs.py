"""Changing specs' files by a command: all of them or none, none that is being worked, and how to take it back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chant_tasks.doit_plugin.commands.own_command import render_path
from chant_tasks.errors import ChantError, FileError, RepositoryError, SpecError
from chant_tasks.git.runner import Git
from chant_tasks.git.tracked import load_restorable
from chant_tasks.journal.files import add_journal
from chant_tasks.journal.locks import add_checkout_lock, find_spec_lock
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.parse import parse_spec
from chant_tasks.spec.store import load_spec_bytes, save_file
from chant_tasks.values import dataclass

Edit = Callable[[SpecId, Path, bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A spec whose file was looked at: how one types its path, whether it was changed, whether git can undo that."""

    id: SpecId
    path: str
    is_changed: bool
    is_restorable: bool


def edit_specs(overview: Overview, specs: Sequence[SpecId], edit: Edit) -> tuple[Edited, ...]:
    """Writes what `edit` makes of each spec's file, where it differs.

    Raises ChantError before anything is written: where somebody works one of them, or one cannot be read or edited.
    """
    project = overview.project
    paths = {spec_id: project.specs_folder / f"{spec_id}.md" for spec_id in specs}
    with hold_specs(overview, specs):
        old = {spec_id: _load_seen_from(project.root, path) for spec_id, path in paths.items()}
        new = {spec_id: _edit_seen_from(project.root, edit, spec_id, paths[spec_id], old[spec_id]) for spec_id in specs}
        restorable = load_restorable(Git(project.top), [f"{project.specs_prefix}{spec_id}.md" for spec_id in specs])
        for spec_id in specs:
            if new[spec_id] != old[spec_id]:
                save_file(paths[spec_id], new[spec_id])
    return tuple(
        Edited(
            id=spec_id,
            path=render_path(paths[spec_id], Path.cwd()),
            is_changed=new[spec_id] != old[spec_id],
            is_restorable=f"{project.specs_prefix}{spec_id}.md" in restorable,
        )
        for spec_id in specs
    )


def render_undo(edited: Sequence[Edited], other: Mapping[SpecId, str]) -> Iterator[str]:
    """The commands that take the changes back: git's where it has what was there before, else those of `other`."""
    changed = [spec for spec in edited if spec.is_changed]
    paths = [spec.path for spec in changed if spec.is_restorable]
    commands = [f"git restore {' '.join(paths)}"] if paths else []
    commands += [other[spec.id] for spec in changed if not spec.is_restorable]
    for index, command in enumerate(commands):
        yield f"{'undo: ' if index == 0 else '      '}{command}"


@contextmanager
def hold_specs(overview: Overview, specs: Sequence[SpecId]) -> Iterator[None]:
    """Keeps every doit from working these specs in the block. Raises RepositoryError where one of them is worked, or
    an agent works in this very checkout, whose commit could take a changed file along."""
    journal = overview.project.journal_folder
    add_journal(journal)
    with ExitStack() as stack:
        checkout = add_checkout_lock(journal, overview.project.top, lambda: True)
        if checkout is None:
            raise RepositoryError("an agent works in this checkout itself", "wait for it, or stop it")
        stack.enter_context(checkout)
        for spec_id in sorted(specs):
            lock = find_spec_lock(journal, spec_id)
            if lock is None:
                raise RepositoryError(f"{spec_id} is being worked by another doit", "wait for it, or stop it")
            stack.enter_context(lock)
        yield


def _load_seen_from(root: Path, path: Path) -> bytes:
    try:
        return load_spec_bytes(path)
    except SpecError as error:
        raise error.seen_from(root) from error


def _edit_seen_from(root: Path, edit: Edit, spec_id: SpecId, path: Path, data: bytes) -> bytes:
    try:
        parse_spec(spec_id, path, data)  # what cannot be read is not written to
        return edit(spec_id, path, data)
    except ChantError as error:
        raise (error.seen_from(root) if isinstance(error, FileError) else error) from error
