"""`doit spec-add`: writes new specs, and says what to type next."""

import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.input import load_piped_text
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview, plan_option, render_path
from chant_tasks.doit_plugin.commands.spec_names import require_spec, require_specs
from chant_tasks.doit_plugin.screens.terminal import write_line, write_story
from chant_tasks.errors import ChantError, FileError, RepositoryError
from chant_tasks.overview import Overview
from chant_tasks.spec.ids import short_ids
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.new_spec import SKELETON, NewSpec, plan_member_id, plan_spec_id, render_new_spec
from chant_tasks.spec.store import load_spec
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A spec that was written: `short` is its short id among all, `path` how one types its file's path."""

    id: SpecId
    short: str
    path: str


class SpecAdd(OwnCommand):
    """Reads the titles, the options and the text on standard input, writes the files, prints."""

    name = "spec-add"
    doc_purpose = "write a new spec"
    doc_usage = '"TITLE" ["TITLE" ...] [< TEXT]'
    doc_description = (
        "The text below the title is read from a pipe or a file on standard input, or written with --edit."
    )
    cmd_options = (
        plan_option("label", list, "give it this label (may be repeated)"),
        plan_option("depends-on", list, "let it wait for this spec (may be repeated)"),
        plan_option("type", str, "its type [default: code]; `driver` for one that only has members"),
        plan_option("member-of", str, "make it the next member of this spec"),
        plan_option("edit", bool, "open it in $VISUAL or $EDITOR"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        titles = require_titles(names)
        overview = load_own_overview(self.name, Path.cwd(), os.environ)
        editor = find_editor(os.environ) if options["spec_edit"] else ()
        body = load_piped_text(sys.stdin)
        if body and len(titles) > 1:
            raise InvalidCommand("spec-add: the text on standard input is one spec's: give one title.")
        archived = overview.archived
        driver = require_spec(options["spec_member_of"], overview, archived) if options["spec_member_of"] else None
        new = NewSpec(
            title="",
            type=options["spec_type"] or "code",
            depends_on=require_specs(options["spec_depends_on"], overview, archived),
            labels=tuple(label.strip() for label in options["spec_label"] if label.strip()),
            body=body or (SKELETON if editor else ""),
        )
        added = add_specs(overview, new, titles, driver)
        for spec in added:
            write_line(sys.stdout, f"{spec.id}  {spec.path}")
        write_story(sys.stdout, render_next(overview, added, driver, has_text=bool(body or editor)))
        return run_editor(editor, overview, added) if editor else 0


def require_titles(names: Sequence[str]) -> tuple[str, ...]:
    """The titles, each on one printable line. Raises InvalidCommand where there is none, or quotes were forgotten."""
    # what Python left undecoded, in a locale without UTF-8, is UTF-8 all the same
    decoded = [os.fsencode(name).decode(errors="replace") for name in names]
    titles = tuple(" ".join(_printable(name).split()) for name in decoded)
    if not all(titles) or not titles:
        raise InvalidCommand('spec-add: name a title:  doit spec-add "Add retry to fetch"')
    if len(titles) > 1 and not any(" " in title for title in titles):
        raise InvalidCommand(f"spec-add: put the title in quotes:  doit spec-add {shlex.quote(' '.join(titles))}")
    return titles


def add_specs(overview: Overview, new: NewSpec, titles: Sequence[str], driver: SpecId | None) -> tuple[Added, ...]:
    """Writes a spec for each of the titles, never over a file that is there. Raises FileError where one cannot be."""
    known = [*overview.ids, *overview.archived]
    written: list[SpecId] = []
    for title in titles:
        text = render_new_spec(
            NewSpec(title=title, type=new.type, depends_on=new.depends_on, labels=new.labels, body=new.body)
        )
        written.append(_add_file(overview.project.specs_folder, text, [*known, *written], driver))
    short = short_ids([*known, *written])
    folder = overview.project.specs_folder
    return tuple(
        Added(id=spec_id, short=short[spec_id], path=render_path(folder / f"{spec_id}.md", Path.cwd()))
        for spec_id in written
    )


def render_next(overview: Overview, added: Sequence[Added], driver: SpecId | None, *, has_text: bool) -> Iterator[str]:
    """What to type next, and how to take it back."""
    if driver is not None and driver in overview.ids and not overview.graph.members.get(driver):
        yield f"{driver} is a driver from now on: no agent works it, it is finalized when its members are done"
    paths = [spec.path for spec in added]
    write = f"write into {' and '.join(paths)} what is wanted and how one sees that it is done, then  "
    yield f"next: {'' if has_text else write}doit {' '.join(spec.short for spec in added)}"
    yield f"undo: rm {' '.join(paths)}"


def find_editor(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The words of the command that edits a file. Raises RepositoryError where none is set."""
    command = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RepositoryError(f"the editor `{command}` cannot be read: {error}") from error
    if not words:
        raise RepositoryError("no editor is set", "export EDITOR=vi, or leave --edit away")
    return tuple(words)


def run_editor(editor: Sequence[str], overview: Overview, added: Sequence[Added]) -> int:
    """Opens the new files and returns 0 where they were left as specs that can be worked."""
    paths = [overview.project.specs_folder / f"{spec.id}.md" for spec in added]
    try:
        status = subprocess.run((*editor, *map(str, paths)), stdin=_terminal(), check=False).returncode
    except OSError as error:
        raise RepositoryError(f"the editor `{editor[0]}` cannot be started: {error.strerror}") from error
    if status != 0:
        raise RepositoryError(
            f"the editor `{editor[0]}` ended with status {status}", "the files are written all the same"
        )
    problems = []
    for path in paths:
        try:
            spec = load_spec(path)
        except ChantError as error:
            problems.append(str(error.seen_from(overview.project.root) if isinstance(error, FileError) else error))
        else:
            problems += [f"{path.stem}: {spec.problem}"] if spec.problem else []
    write_story(sys.stdout, problems)
    return 1 if problems else 0


def _add_file(folder: Path, text: str, taken: Sequence[SpecId], driver: SpecId | None) -> SpecId:
    while True:
        spec_id = plan_member_id(driver, taken) if driver else plan_spec_id(date.today(), taken, random.choice)
        path = folder / f"{spec_id}.md"
        try:
            with path.open("x", encoding="utf-8", newline="\n") as stream:  # "x": never over somebody's file
                stream.write(text)
            return spec_id
        except FileExistsError:
            taken = (*taken, spec_id)  # written by somebody else since we looked
        except OSError as error:
            raise FileError(path, 0, f"cannot be written: {error.strerror}") from error


def _terminal() -> int | None:
    """Where an editor reads keys from when standard input was a pipe; None for standard input itself."""
    if sys.stdin is not None and sys.stdin.isatty():
        return None
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return subprocess.DEVNULL


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
