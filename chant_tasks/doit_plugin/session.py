"""What one doit command knows of the project's specs. Each of our commands opens a session; the task creator finds it.

Nothing here imports what reads specs before a dodo asks for specs: every doit command on the machine comes through.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chant_tasks.errors import ChantError
from chant_tasks.project import find_specs_root

if TYPE_CHECKING:
    from chant_tasks.doit_plugin.run.work import Work
    from chant_tasks.overview import Overview
    from chant_tasks.spec.model import SpecId

GROUP = "specs"  # the task that stands for every spec


class Session:
    """One command's view of the specs.

    `was_called` says that the dodo asked for specs, `is_listing` tells the creator to build no tasks for them,
    `leaves_out_settled` to build none for those that are settled, since the command knows which of these it needs,
    `problem` is why they cannot be looked at at all, `work` is what a run does with them. `loading` ends when a run is
    about to begin its tasks.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.is_listing = False
        self.leaves_out_settled = False
        self.was_called = False
        self.root: Path | None = None
        self.problem: ChantError | None = None
        self.is_agent = False
        self.work: Work | None = None
        self.loading = ExitStack()  # until the command has all that it needs to begin
        self._overview: Overview | None = None

    def call(self, folder: Path) -> Overview | None:
        """The overview of the specs around `folder`, for the creator; None where there are none, or a `problem`."""
        self.was_called = True
        if self.root is None:
            self.root = find_specs_root(folder)
            if self.root is not None:
                self._load(self.root)
        return self._overview

    @property
    def has_specs(self) -> bool:
        """Whether the dodo asked for specs and there are any (or they cannot be looked at)."""
        return self.problem is not None or (self._overview is not None and bool(self._overview.ids))

    @property
    def overview(self) -> Overview | None:
        """The overview that the creator loaded; None where the dodo has no specs, or there is a `problem`."""
        return self._overview

    def add_problems(self, problems: Mapping[SpecId, str]) -> None:
        """Break the unfinished ones of these specs, for the reason given."""
        from chant_tasks.overview import with_problems

        if self._overview is not None and problems:
            self._overview = with_problems(self._overview, problems)

    def _load(self, root: Path) -> None:
        from chant_tasks.overview import is_agents_doit, load_overview

        try:
            self.is_agent = is_agents_doit(root, self.environ)
            self._overview = load_overview(root, tell_reading)
        except Exception as error:  # leaving the dodo, it would keep every other task from running
            self.problem = describe_problem(error)


@cache  # once, also where a landing goes on and files are read again
def tell_reading(number: int) -> None:
    """Say in a terminal why nothing comes for a while: so many specs are read, none of which is remembered."""
    if sys.stderr is not None and sys.stderr.isatty():
        from chant_tasks.doit_plugin.screens.terminal import write_story

        write_story(None, [f"reading {number:,} specs that are new here …"])


def describe_problem(error: Exception) -> ChantError:
    """Why the specs cannot be looked at, in a line: what the disk refused, or which line of ours has a mistake."""
    if isinstance(error, ChantError):
        return error
    if isinstance(error, OSError):
        return ChantError(f"the specs cannot be looked at: {error.strerror or error}: {error.filename or 'no file'}")
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" ({Path(place.tb_frame.f_code.co_filename).name}, line {place.tb_lineno})" if place is not None else ""
    return ChantError(f"the specs cannot be looked at: unexpected error: {type(error).__name__}: {error}{where}")


@contextmanager
def without_collections() -> Iterator[None]:
    """Within the block Python looks for no garbage: a command that reads much makes none, and ends soon. Nor does it
    look there later: a run keeps what it begins with."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


_open: list[Session] = []


@contextmanager
def open_session(environ: Mapping[str, str] | None = None) -> Iterator[Session]:
    """A fresh session for one command; the creator finds it with `current_session` until the block ends."""
    session = Session(os.environ if environ is None else environ)
    _open.append(session)
    try:
        yield session
    finally:
        _open.remove(session)


def current_session() -> Session:
    """The session of the command that runs; a new one for commands of doit's that open none."""
    return _open[-1] if _open else Session(os.environ)


def require_work() -> Work:
    """What the present run does with its specs."""
    work = current_session().work
    assert work is not None, "only a run with specs asks for its work"
    return work


def is_switched_off(environ: Mapping[str, str]) -> bool:
    """Whether doit's own commands shall do just what doit does (`CHANT_DOIT=off`)."""
    return environ.get("CHANT_DOIT", "").lower() == "off"
