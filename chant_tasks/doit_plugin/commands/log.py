"""`doit spec-log`: what an attempt's agent has put out, and what it puts out now."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_specs_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.screens.terminal import write_story
from chant_tasks.errors import RepositoryError
from chant_tasks.journal.attempt import attempt_folder, find_numbers, load_record
from chant_tasks.journal.locks import is_spec_locked
from chant_tasks.overview import Overview
from chant_tasks.spec.model import SpecId
from chant_tasks.words import render_excerpt, render_some

_POLL_SECONDS = 0.2
_CHUNK = 1 << 20
_INTERRUPTED = 130  # as a shell reports a program that Ctrl-C has ended


@dataclass(slots=True, kw_only=True)
class Reader:
    """One attempt's log, read line by line; `rest` is the beginning of a line whose end is not there yet."""

    spec: SpecId
    number: int
    path: Path
    position: int = 0
    rest: bytes = field(default=b"")

    def read_lines(self) -> Iterator[str]:
        """The text that was written since the last call, in pieces that end with a line."""
        try:
            with self.path.open("rb") as file:
                # Where it has become shorter, its middle was left out meanwhile, and what follows is at its end.
                self.position = min(self.position, file.seek(0, os.SEEK_END))
                file.seek(self.position)
                while chunk := file.read(_CHUNK):
                    self.position += len(chunk)
                    whole, newline, self.rest = (self.rest + chunk).rpartition(b"\n")
                    if newline:
                        yield (whole + newline).decode("utf-8", "replace")
        except FileNotFoundError:
            return  # the agent has not started yet

    def take_rest(self) -> str:
        """The last line where it has no end."""
        rest, self.rest = self.rest, b""
        return rest.decode("utf-8", "replace")


class SpecLog(OwnCommand):
    """Reads which attempt is meant, prints its log."""

    name = "spec-log"
    doc_purpose = "print the log of a spec's last attempt"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = "What the agent has put out, as it did. `doit spec-attempts` lists attempts."
    cmd_options = (
        plan_option("attempt", str, "the attempt of this number"),
        plan_option("follow", bool, "go on as it grows, until the attempt ends", short="f"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        if not names:
            raise InvalidCommand("spec-log: name at least one spec.")
        number = parse_number(options["spec_attempt"])
        overview = load_specs_overview(Path.cwd())
        readers, problems = find_readers(overview, find_worked(overview, names), number)
        status = run_log(overview, readers, sys.stdout, is_following=options["spec_follow"])
        write_story(sys.stdout, problems)
        return status or (1 if problems else 0)


def parse_number(text: str) -> int | None:
    """An attempt's number; None where none is asked for. Raises InvalidCommand for what is no number."""
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidCommand(f"spec-log: --attempt takes a number, not `{render_excerpt(text)}`.")
    return int(text) if text else None


def find_worked(overview: Overview, names: Sequence[str]) -> tuple[SpecId, ...]:
    """The specs that are named, those too whose file is gone. Raises InvalidCommand."""
    folder = overview.project.journal_folder / "attempts"
    worked = [SpecId(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
    return require_specs(names, overview, (*overview.archived, *worked))


def find_readers(
    overview: Overview, specs: Sequence[SpecId], number: int | None
) -> tuple[tuple[Reader, ...], tuple[str, ...]]:
    """The logs of these specs, and why there is none of some. Raises RepositoryError where the only one has none."""
    readers, problems = [], []
    for spec_id in specs:
        try:
            readers.append(require_reader(overview, spec_id, number))
        except RepositoryError as error:
            if len(specs) == 1:
                raise
            problems.append(str(error))
    return tuple(readers), tuple(problems)


def require_reader(overview: Overview, spec_id: SpecId, number: int | None) -> Reader:
    """The log of the attempt of that number, or of the last one. Raises RepositoryError where there is none."""
    journal = overview.project.journal_folder
    numbers = find_numbers(journal, spec_id)
    if not numbers:
        raise RepositoryError(f"{spec_id} was never worked here")
    chosen = number if number is not None else numbers[-1]
    if chosen not in numbers:
        there = render_some(tuple(map(str, numbers)), 10)
        raise RepositoryError(f"{spec_id} has no attempt {chosen} (there are: {there})")
    return Reader(spec=spec_id, number=chosen, path=attempt_folder(journal, spec_id, chosen) / "log")


def run_log(overview: Overview, readers: Sequence[Reader], stdout: TextIO | None, *, is_following: bool) -> int:
    """Prints the logs, each as far as it is written, and returns 1 where one is not there, else 0."""
    running = list(readers)
    shown: Reader | None = None
    try:
        while running:
            for reader in tuple(running):
                is_over = not is_following or not _is_running(overview, reader)  # asked first: then all is written
                for text in _read(reader, is_over=is_over):
                    if shown is not reader and len(readers) > 1:
                        _write(stdout, render_heading(reader, is_first=shown is None))
                    shown = reader
                    _write(stdout, text)
                if is_over:
                    running.remove(reader)
            if stdout is not None:
                stdout.flush()
            if running:
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return _INTERRUPTED
    silent = [reader for reader in readers if reader.position == 0]
    write_story(stdout, [_word_silence(overview, reader) for reader in silent])
    return 0 if all(reader.path.is_file() for reader in readers) else 1


def render_heading(reader: Reader, *, is_first: bool) -> str:
    """What stands above the lines of one of several logs, as `tail` has it."""
    return f"{'' if is_first else chr(10)}==> {reader.spec}, attempt {reader.number} <==\n"


def _read(reader: Reader, *, is_over: bool) -> Iterator[str]:
    yield from reader.read_lines()
    rest = reader.take_rest() if is_over else ""
    if rest:
        yield f"{rest}\n"


def _is_running(overview: Overview, reader: Reader) -> bool:
    """Whether a process works the attempt: its record is open, and somebody holds the spec."""
    journal = overview.project.journal_folder
    record = load_record(journal, reader.spec, reader.number)
    return record is not None and record.ending is None and is_spec_locked(journal, reader.spec)


def _word_silence(overview: Overview, reader: Reader) -> str:
    if reader.path.is_file():
        return f"attempt {reader.number} of {reader.spec} has put out nothing"
    record = load_record(overview.project.journal_folder, reader.spec, reader.number)
    why = f": {record.reason}" if record is not None and record.reason else ""
    return f"attempt {reader.number} of {reader.spec} has no log, no agent was started for it{why}"


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding))
