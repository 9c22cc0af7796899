"""What the journal keeps of each attempt to work a spec, and in which order it may change.

`attempts/<spec>/<number>/` holds `record.json` (below), `given.md`, `end.md` and `final.md` (the spec's file as the
checkout had it, as the agent left it, as it lands), `prompt.md` and `log`; `exit` tells how the agent's process ended,
and `reserve` is room for the record of that. Work in a person's checkout adds `noted.json` and `excludes` (what was
there before) and `left/` (what the agent left there untracked). `open/<spec>` exists while an attempt has something
left to do, so that finding these costs one listing.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path

from chant_tasks.disk import sync_folder
from chant_tasks.journal.files import add_folder, find_half_written, save_all, save_whole
from chant_tasks.journal.process import ProcessMark
from chant_tasks.spec.model import SpecId
from chant_tasks.state import AttemptFacts, Ending, Footing, StackedOn
from chant_tasks.values import dataclass

# Of the keeper, of the log where it was cut, and the room kept for the record of the agent's end.
_LEFT_BY_KILLED = ("exit.new", "log.new", "reserve")


# Endings of work that was to land; where its landing was begun before, a checkout may have moved.
_NOT_LANDED = (Ending.WAITS, Ending.CONFLICT, Ending.RED, Ending.TARGET_RED)


class Phase(Enum):
    """How far an attempt has come. Each is written before the effect that it announces."""

    CREATED = "created"  # the worktree is being made
    RUNNING = "running"  # the agent works
    AGENT_ENDED = "agent-ended"  # how is in `agent_end`; what it left is yet to be saved and judged
    FINISHED = "finished"  # its work is saved on the branch, was found to be done, and only has to land
    LANDING = "landing"  # the target is about to move to `landing_commit`
    ENDED = "ended"


class AgentEnd(Enum):
    """How an agent ended, by its own account. Whether its work is done is another question."""

    FINISHED = "finished"
    GAVE_UP = "gave-up"
    STOPPED = "stopped"  # the run was ended, and so was it


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt. Ids of commits are whole, times ISO 8601 in UTC, `kept` names a ref.

    `worktree` is absolute, and "" where there is none (any more); with `is_in_place` it is the user's own checkout.
    With `stays_on_branch` the finalized work is not landed but left on its branch. `check_worktree` is a worktree that
    its checks run in, with nothing of the agent's in it (any more). `agent_end` is None until the agent
    has ended, and where none had to work (a driver's landing, a person's branch); `agent_reason` is its last word.
    `continues` is the number of the attempt that this one goes on from (0: none), `own_head` the last commit of the
    agent's own where what is kept holds more, `folder` where the agent worked, also once that is left,
    `session_began` the number of the attempt that began the agent's session (0: this one). `error_class` is the kind of
    the agent's error; `change` names what a failed attempt left, `tries` how many in a row have left the same.
    `stacked_on` are the branches of dependencies that `base` holds beside the target, `base_branch` is the one that
    ends there: one of theirs, or one made of several. `onto` is the branch that a restack could not move the work onto,
    with `onto_footing`; while an agent resolves that, this is where the work stood before.

    `agent_began` is when its agent was started last, `agent_clock` what the machine's clock of waking seconds showed
    then, `agent_log` how long the log was. `agent_seconds` is how long all its agents were at work, once they have
    ended; waiting, a machine asleep and the time in which no doit lived are not in it.

    `merging` is the commit of the target that is merged into finished work, at `head`, for an agent to resolve their
    conflict in `paths` ("": none is). `conflict_tries` counts such tries, `conflict_outcome` says what the last one
    came to; with `is_left_to_person` no agent makes a further one.
    Specs that land together have one `landing_tip`, the last of their `landing_commit`s. `said` is what a check that
    failed said last.

    A record is changed by the functions of `transitions` alone: they know what may follow what.
    """

    spec: SpecId
    number: int
    phase: Phase
    process: ProcessMark
    started_at: str
    target: str
    base: str
    branch: str
    worktree: str
    spec_path: str
    is_ignored: bool
    is_rerun: bool
    is_in_place: bool = False
    stays_on_branch: bool = False
    agent: str = ""
    account: str = ""
    agent_process: ProcessMark | None = None
    model_asked: str = ""
    model: str = ""
    session: str = ""
    agent_end: AgentEnd | None = None
    agent_reason: str = ""
    error_class: str = ""
    agent_began: str = ""
    agent_clock: float = 0.0
    agent_log: int = 0
    agent_seconds: float | None = None
    cost_usd: float | None = None
    summary: str = ""
    head: str = ""
    commits: tuple[str, ...] = ()
    landing_old: str = ""
    landing_commit: str = ""
    landing_tip: str = ""
    check_worktree: str = ""
    continues: int = 0
    own_head: str = ""
    folder: str = ""
    session_began: int = 0
    has_started: bool = False  # an agent of its own; before that all it tells of one is what it takes over
    ending: Ending | None = None
    reason: str = ""
    paths: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    kept: str = ""
    kept_head: str = ""  # the commit that `kept` was made for: a person may delete that ref
    change: str = ""
    tries: int = 0
    stacked_on: tuple[StackedOn, ...] = ()
    base_branch: str = ""
    onto: str = ""
    onto_footing: Footing | None = None
    ended_at: str = ""
    leftover: str = ""
    log: str = ""
    merging: str = ""
    conflict_tries: int = 0
    conflict_outcome: str = ""
    is_left_to_person: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something is left to do: the attempt itself, cleaning up after it, or writing an ignored spec's file
        once a person has merged its branch."""
        is_ignored_on_branch = self.ending is Ending.ON_BRANCH and self.is_ignored
        return self.ending is None or bool(self.leftover) or self.is_halfway or is_ignored_on_branch

    @property
    def is_halfway(self) -> bool:
        """Whether it ended with a landing that failed midway: a checkout may have moved where the target has not."""
        return self.ending in _NOT_LANDED and bool(self.landing_old)

    @property
    def is_proven(self) -> bool:
        """Whether the work was found to be done, and only has to land."""
        return self.phase in (Phase.FINISHED, Phase.LANDING)

    @property
    def is_resumable(self) -> bool:
        """Whether it left something that an agent can go on from: work, or a session."""
        return _can_go_on(self.agent) and bool(self.kept or self.session)

    @property
    def is_mendable(self) -> bool:
        """Whether an agent may resolve the conflict that it ended with: the one that did the work, which is whole."""
        is_agents = bool(self.agent) and _can_go_on(self.agent) and not self.is_left_to_person
        return self.ending is Ending.CONFLICT and is_agents and bool(self.branch) and not self.is_halfway

    @property
    def has_worked(self) -> bool:
        """Whether an agent of its own has started, or a person did its work."""
        return self.has_started or self.agent_process is not None or bool(self.head)

    @property
    def is_unbegun(self) -> bool:
        """Whether it failed or was interrupted before an agent of its own started: it says nothing about the spec."""
        return self.ending in (Ending.FAILED, Ending.INTERRUPTED) and not self.has_worked

    @property
    def facts(self) -> AttemptFacts:
        """What a state follows from."""
        return AttemptFacts(
            number=self.number,
            ending=self.ending,
            reason=self.reason,
            paths=self.paths,
            kept=self.kept,
            log=self.log,
            target=self.target,
            is_proven=self.is_proven,
            is_halfway=self.is_halfway,
            is_resumable=self.is_resumable,
            is_unbegun=self.is_unbegun,
            leftover=self.leftover,
            change=self.change,
            tries=self.tries,
            head=self.head,
            onto=self.onto,
            is_mendable=self.is_mendable,
            conflict_tries=self.conflict_tries,
            conflict_outcome=self.conflict_outcome,
            said=self.said,
        )


_FIELDS = tuple(field.name for field in fields(AttemptRecord))
# Marks in `open` that this process has made to outlive a power loss; whoever removes one forgets it here, too.
_lasting: set[Path] = set()


def attempt_folder(journal: Path, spec: SpecId, number: int) -> Path:
    """Where an attempt's files are."""
    return journal / "attempts" / spec / str(number)


def render_record(record: AttemptRecord) -> bytes:
    """The record as JSON."""
    values = {name: _render_value(getattr(record, name)) for name in _FIELDS}
    return json.dumps(values, indent=1, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def _render_value(value: object) -> object:
    """A field's value as JSON has it; `asdict` would copy each of fifty, mostly texts, at every step of an attempt."""
    match value:
        case Enum():
            return value.value
        case ProcessMark() | Footing():
            return asdict(value)
        case tuple():
            return [asdict(item) if isinstance(item, StackedOn) else item for item in value]
    return value


def parse_record(data: bytes) -> AttemptRecord | None:
    """The record that `data` holds; None where it is no record of ours (another version's, or damaged)."""
    try:
        values = json.loads(data.decode("utf-8", "surrogateescape"))
        values = {name: value for name, value in values.items() if name in _FIELDS}
        values["phase"] = Phase(values["phase"])
        values["ending"] = Ending(values["ending"]) if values.get("ending") else None
        values["agent_end"] = AgentEnd(values["agent_end"]) if values.get("agent_end") else None
        values["process"] = ProcessMark(**values["process"])
        agent_process = values.get("agent_process")
        values["agent_process"] = ProcessMark(**agent_process) if agent_process else None
        lists = {name: tuple(values.get(name, ())) for name in ("commits", "paths", "said")}
        onto = values.get("onto_footing")
        footings = {
            "stacked_on": _parse_stacked_on(values.get("stacked_on", ())),
            "onto_footing": Footing(**(onto | {"stacked_on": _parse_stacked_on(onto["stacked_on"])})) if onto else None,
        }
        return AttemptRecord(**(values | lists | footings))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _parse_stacked_on(rows: Iterable[Mapping[str, str]]) -> tuple[StackedOn, ...]:
    return tuple(StackedOn(spec=SpecId(row["spec"]), branch=row["branch"], tip=row["tip"]) for row in rows)


def add_record(journal: Path, record: AttemptRecord, given: bytes) -> None:
    """Write a new attempt down, with the spec's file as the checkout has it: that first, since the record tells that
    the attempt has begun."""
    add_open(journal, record.spec)
    folder = attempt_folder(journal, record.spec, record.number)
    save_all(folder, {"given.md": given, "record.json": render_record(record)})


def save_record(journal: Path, record: AttemptRecord) -> None:
    """Write the record, and keep `open/<spec>` in step: there before the record opens, gone after it ended."""
    if record.is_open:
        add_open(journal, record.spec)
    save_whole(attempt_folder(journal, record.spec, record.number) / "record.json", render_record(record))
    if not record.is_open:
        remove_open(journal, record.spec)


def _can_go_on(agent: str) -> bool:
    from chant_tasks.earlier import can_go_on  # here: to look for attempts takes no words for agents

    return can_go_on(agent)


def load_open(journal: Path) -> frozenset[SpecId]:
    """The specs whose last attempt has something left to do."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return frozenset(map(SpecId, os.listdir(journal / "open")))  # noqa: PTH208  # paths of a thousand are slow
    return frozenset()


def add_open(journal: Path, spec: SpecId) -> None:
    """Mark a spec, before the first file of an attempt is written: whoever finds the mark, also after a power loss,
    looks for what is left."""
    mark = journal / "open" / spec
    if mark in _lasting and mark.exists():
        return
    add_folder(mark.parent)
    mark.touch(mode=0o600)
    sync_folder(mark.parent)  # also where the mark was there: whoever made it may have been killed before this
    _lasting.add(mark)


def remove_open(journal: Path, spec: SpecId) -> None:
    """Take back the mark of an attempt whose record was never written."""
    mark = journal / "open" / spec
    _lasting.discard(mark)
    mark.unlink(missing_ok=True)


def remove_half_written(journal: Path, spec: SpecId) -> None:
    """Remove what a killed process left of files that it was writing, the room that it kept for one, and an attempt of
    which nothing else is there. Hold the spec's lock around it, its agent's keeper ended."""
    for number in find_numbers(journal, spec):
        folder = attempt_folder(journal, spec, number)
        unfinished = [path for path, _ in find_half_written(folder)]
        first = [] if (folder / "record.json").exists() else [folder / "given.md"]
        for path in (*unfinished, *first, *(folder / name for name in _LEFT_BY_KILLED)):
            path.unlink(missing_ok=True)
        if first:
            with suppress(OSError):  # there is more in it
                folder.rmdir()


def find_numbers(journal: Path, spec: SpecId) -> tuple[int, ...]:
    """The numbers of a spec's attempts, oldest first."""
    folder = journal / "attempts" / spec
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return tuple(sorted(int(name) for name in names if name.isdigit()))


def load_record(journal: Path, spec: SpecId, number: int) -> AttemptRecord | None:
    """One attempt's record; None where there is none that can be read."""
    path = attempt_folder(journal, spec, number) / "record.json"
    return parse_record(path.read_bytes()) if path.is_file() else None


def load_last(journal: Path, spec: SpecId) -> AttemptRecord | None:
    """The last attempt's record; None where a spec was never worked here."""
    for number in reversed(find_numbers(journal, spec)):
        record = load_record(journal, spec, number)
        if record is not None:
            return record
    return None


def load_records(journal: Path, spec: SpecId) -> tuple[AttemptRecord, ...]:
    """Every attempt's record, oldest first."""
    found = (load_record(journal, spec, number) for number in find_numbers(journal, spec))
    return tuple(record for record in found if record is not None)
