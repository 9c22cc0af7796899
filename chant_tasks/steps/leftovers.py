"""Files that runs which were killed left beside the user's, removed at the start of the next run: only such that are
known to be ours, and whose process is gone. It costs no git call."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from chant_tasks.journal.files import find_half_written
from chant_tasks.journal.locks import add_landing_lock, is_checkout_locked
from chant_tasks.landing.leftovers import find_stale_files, remove_all_stale_files
from chant_tasks.landing.save import remove_index_copies
from chant_tasks.project import Project
from chant_tasks.spec.store import find_temporary_files


def remove_leftovers(project: Project) -> None:
    """Remove what is left of landings, of saving the checkout, and of writing specs' files and the journal's own."""
    if any(find_stale_files(project.common_dir)):
        with add_landing_lock(project.journal_folder):
            remove_all_stale_files(project.common_dir)
    if not is_checkout_locked(project.journal_folder, project.top):
        remove_index_copies(project.git_dir)
    for path in find_dead_files(project):
        path.unlink(missing_ok=True)


def find_dead_files(project: Project) -> Iterator[Path]:
    """Files of specs and of the journal that were being written by processes which are gone."""
    journal = project.journal_folder
    written = (find_half_written(folder) for folder in (journal, journal / "forgotten"))
    for path, pid in chain(find_temporary_files(project.specs_folder), *written):
        if not _is_running(pid):
            yield path


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
