"""`doit spec-attempts`: what is kept of specs' attempts, dropping what is old, and getting one back."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.config import parse_duration
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview, load_specs_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_spec, require_specs
from chant_tasks.doit_plugin.screens.attempts_screen import Shown, render_attempts, render_attempts_json
from chant_tasks.doit_plugin.screens.terminal import load_style, write_line, write_story
from chant_tasks.errors import RepositoryError, SpecError
from chant_tasks.git.index import is_ignored
from chant_tasks.git.objects import find_blob, load_blob
from chant_tasks.git.refs import apply_ref, find_commit
from chant_tasks.git.runner import Git
from chant_tasks.journal.kept import Kept, find_restorable, load_kept, load_work_size, plan_prune, remove_kept
from chant_tasks.journal.locks import find_spec_lock, is_spec_locked
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.parse import parse_spec
from chant_tasks.state import Kind
from chant_tasks.words import render_count


class SpecAttempts(OwnCommand):
    """Reads what is asked for, lists, prunes or restores."""

    name = "spec-attempts"
    doc_purpose = "show what is kept of specs' attempts, and why they ended"
    doc_usage = "[SPEC ...]"
    doc_description = "Work that did not land lies under refs/chant/attempts/, its log and prompt in the journal."
    cmd_options = (
        plan_option("json", bool, "list attempts as JSON"),
        plan_option("prune", str, "drop attempts older than this (30d, 12h) of specs whose work has landed"),
        plan_option("restore", list, "make a branch restored/ID-N of an attempt, ID or ID/N (may be repeated)"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        age = parse_age(options["spec_prune"]) if options["spec_prune"] else None
        if age is None and not options["spec_restore"]:
            return run_list(load_specs_overview(Path.cwd()), names, is_json=options["spec_json"])
        overview = load_own_overview(self.name, Path.cwd(), os.environ)
        git = Git(overview.project.top)
        if options["spec_restore"]:
            if names or age is not None:
                raise InvalidCommand("spec-attempts: --restore takes its specs itself: --restore ID or --restore ID/N.")
            return run_restore(git, overview, options["spec_restore"])
        return run_prune(git, overview, names, datetime.now().astimezone() - (age or timedelta()))


def parse_age(text: str) -> timedelta:
    """How old an attempt must be. Raises InvalidCommand where that is no time with its unit."""
    try:
        seconds = parse_duration(text) if not text.strip().isdecimal() else None
    except ValueError:
        seconds = None
    if seconds is None:
        raise InvalidCommand(f"spec-attempts: --prune takes a time such as 30d or 12h, not `{text}`.")
    return timedelta(seconds=seconds)


def run_list(overview: Overview, names: Sequence[str], *, is_json: bool) -> int:
    """Prints the attempts, the newest first, and returns 0."""
    git, journal = Git(overview.project.top), overview.project.journal_folder
    kept = load_kept(git, journal, None)
    if names:
        wanted = set(_require_known(overview, kept, names))
        kept = tuple(attempt for attempt in kept if attempt.spec in wanted)
    with ThreadPoolExecutor(max_workers=8) as pool:  # git is asked twice for each
        sizes = tuple(pool.map(lambda attempt: load_work_size(git, attempt), kept))
    rows = [
        Shown(attempt=attempt, size=size, is_running=attempt.is_open and is_spec_locked(journal, attempt.spec))
        for attempt, size in zip(kept, sizes, strict=True)
    ]
    if is_json:
        write_line(sys.stdout, render_attempts_json(rows))
        return 0
    for line in render_attempts(rows, datetime.now().astimezone(), load_style(sys.stdout)):
        write_line(sys.stdout, line)
    write_story(sys.stdout, render_end(overview, rows))
    return 0


def render_end(overview: Overview, rows: Sequence[Shown]) -> Iterator[str]:
    """How many there are, and what can be done with the newest of them whose work is kept."""
    if not rows:
        yield "no attempts: nothing of this was worked here"
        return
    yield ""
    yield render_count(len(rows), "attempt")
    kept = next((row.attempt for row in rows if row.attempt.ref.startswith("refs/chant/")), None)
    if kept is not None:
        short = overview.short.get(kept.spec, kept.spec)
        yield f"a branch of one: doit spec-attempts --restore {short}/{kept.number}"


def run_prune(git: Git, overview: Overview, names: Sequence[str], before: datetime) -> int:
    """Drops what can go, says how to get it back, and returns 0."""
    journal = overview.project.journal_folder
    kept = load_kept(git, journal, None)
    wanted = set(_require_known(overview, kept, names)) if names else {attempt.spec for attempt in kept}
    old = {attempt.spec for attempt in plan_prune(kept, wanted, before)}
    landed = load_landed(git, overview, old)
    dropped = 0
    for attempt in plan_prune(kept, landed, before):
        lock = find_spec_lock(journal, attempt.spec)
        if lock is None:
            continue  # somebody works it again
        with lock:
            remove_kept(git, journal, attempt)
        dropped += 1
        write_line(sys.stdout, render_dropped(attempt))
    until = ["git keeps dropped work until it collects garbage (two weeks or more)"] if dropped else []
    write_story(sys.stdout, until or ["nothing to drop: no attempt that old of a spec whose work has landed"])
    return 0


def render_dropped(attempt: Kept) -> str:
    """What was dropped, and how to get it back."""
    branch = _branch_of(attempt)
    commands = [f"git branch {branch} {attempt.oid}"] if attempt.ref else []
    commands += [f"git branch {branch}-{name} {oid}" for name, oid in attempt.spares]
    back = f", back with: {' && '.join(commands)}" if commands else ""
    return f"dropped attempt {attempt.number} of {attempt.spec}{back}"


def load_landed(git: Git, overview: Overview, specs: Iterable[SpecId]) -> frozenset[SpecId]:
    """Those of the specs that the target's tip has as completed, or whose file git ignores, and the archived ones.

    One that was ever forgotten is none of them: its tombstone counts attempts by their numbers.
    """
    project, tip = overview.project, overview.target.tip
    candidates = [spec_id for spec_id in specs if spec_id not in overview.journal.tombstones]
    done = [spec for spec in candidates if spec in overview.states and overview.states[spec].kind is Kind.COMPLETED]
    landed = {
        spec_id for spec_id in done if tip and _is_landed(git, tip, spec_id, f"{project.specs_prefix}{spec_id}.md")
    }
    return frozenset(landed | (overview.archived & set(candidates)))


def run_restore(git: Git, overview: Overview, names: Sequence[str]) -> int:
    """Makes a branch of each attempt that is named, and returns 0. Raises ChantError before the first is made."""
    kept = load_kept(git, overview.project.journal_folder, None)
    chosen = [_require_attempt(overview, kept, name) for name in names]
    for attempt in chosen:
        present = find_commit(git, f"refs/heads/{_branch_of(attempt)}")
        if present not in (None, attempt.oid):
            hint = f"rename it: git branch -m {_branch_of(attempt)} NEW-NAME"
            raise RepositoryError(f"the branch {_branch_of(attempt)} is there already, with other commits", hint)
    for attempt in chosen:
        branch = _branch_of(attempt)
        apply_ref(git, f"refs/heads/{branch}", attempt.oid, None, f"chant: attempt {attempt.number} restored")
        write_line(sys.stdout, f"{branch} is at {attempt.oid[:12]}")
    branches = [_branch_of(attempt) for attempt in chosen]
    target = overview.target.branch or "HEAD"
    write_story(sys.stdout, [f"next: git diff {target}...{branch}" for branch in branches])
    write_story(sys.stdout, [f"undo: git branch -D {' '.join(branches)}"])
    return 0


def _require_attempt(overview: Overview, kept: Sequence[Kept], name: str) -> Kept:
    text, slash, number = name.rpartition("/")
    if not slash:
        text, number = name, ""
    elif not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise InvalidCommand(f"spec-attempts: `{name}` names no attempt: it must be ID or ID/N.")
    spec_id = require_spec(text, overview, _list_gone(overview, kept))
    attempt = find_restorable(kept, spec_id, int(number) if number else None)
    if attempt is None:
        what = f"attempt {number} of {spec_id}" if number else f"any attempt of {spec_id}"
        raise RepositoryError(f"no work is kept of {what}", f"doit spec-attempts {spec_id}")
    return attempt


def _require_known(overview: Overview, kept: Sequence[Kept], names: Sequence[str]) -> tuple[SpecId, ...]:
    """The specs that are named: also those whose file is gone, as long as an attempt is here."""
    return require_specs(names, overview, _list_gone(overview, kept))


def _list_gone(overview: Overview, kept: Sequence[Kept]) -> tuple[SpecId, ...]:
    return (*overview.archived, *(attempt.spec for attempt in kept))


def _branch_of(attempt: Kept) -> str:
    # not below spec/: a branch of the spec's own name would block it
    return f"restored/{attempt.spec}-{attempt.number}"


def _is_landed(git: Git, tip: str, spec_id: SpecId, path: str) -> bool:
    blob = find_blob(git, tip, path)
    if blob is None:
        return is_ignored(git, path)  # then the landing's trailers are the record, and the state has believed them
    try:
        spec = parse_spec(spec_id, Path(path), load_blob(git, blob))
    except SpecError:
        return False
    return spec is not None and spec.status is Status.COMPLETED
