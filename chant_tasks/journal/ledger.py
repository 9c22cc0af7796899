"""What each run of an agent used: one line of JSON each, in `ledger.jsonl`, that nothing of ours ever takes away.

A line is written at once, at the agent's end, so that the ledger tells of failed and interrupted attempts, too. An
attempt whose agent was started more than once has a line for each start.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path

from chant_tasks.spec.model import SpecId
from chant_tasks.tokens import Tokens
from chant_tasks.values import dataclass

_NAME = "ledger.jsonl"
_LAST_BYTES = 1 << 18


class CostSource(Enum):
    """How a cost is known."""

    REPORTED = "reported"  # the agent said so
    COMPUTED = "computed"  # from its tokens and the prices in the config
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run of an agent. Times are ISO 8601 in UTC, `seconds` what it took, `cost_usd` None where it is unknown.

    `tokens` are this run's own, None where the agent told of none; `session_tokens` and `session_cost_usd` are what the
    agent had counted of its whole session then, where it counts so.
    """

    spec: SpecId
    attempt: int
    started_at: str
    ended_at: str
    seconds: float
    agent: str
    outcome: str
    version: str = ""
    account: str = ""
    model_asked: str = ""
    model: str = ""
    session: str = ""
    turns: int | None = None
    tokens: Tokens | None = None
    session_tokens: Tokens | None = None
    cost_usd: float | None = None
    session_cost_usd: float | None = None
    cost_source: CostSource = CostSource.UNKNOWN
    error_class: str = ""
    labels: tuple[str, ...] = ()


_FIELDS = frozenset(field.name for field in fields(Entry))


def save_entry(journal: Path, entry: Entry) -> None:
    """Append the entry, whole or not at all; what a crash left of an earlier line is ended first."""
    handle = os.open(journal / _NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        is_torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if is_torn else b"") + render_entry(entry))
        os.fsync(handle)
    finally:
        os.close(handle)


def load_entries(journal: Path, naming: str = "") -> tuple[Entry, ...]:
    """Every entry, oldest first, of those that have `naming` (a spec, a session) somewhere; a line that cannot be read
    (torn, or a later version's) is left out."""
    path = journal / _NAME
    lines = path.read_bytes().splitlines() if path.is_file() else []
    named = json.dumps(naming, ensure_ascii=False).encode("utf-8", "surrogateescape") if naming else b""
    found = (parse_entry(line) for line in lines if named in line)
    return tuple(entry for entry in found if entry is not None)


def load_last_entries(journal: Path) -> tuple[Entry, ...]:
    """The last entries, oldest first: some hundred, however long the ledger has become."""
    try:
        handle = os.open(journal / _NAME, os.O_RDONLY)
    except FileNotFoundError:
        return ()
    try:
        begin = max(0, os.fstat(handle).st_size - _LAST_BYTES)
        lines = os.pread(handle, _LAST_BYTES, begin).splitlines()[1 if begin else 0 :]
    finally:
        os.close(handle)
    return tuple(entry for entry in map(parse_entry, lines) if entry is not None)


def render_entry(entry: Entry) -> bytes:
    """The entry as a line of JSON."""
    values = asdict(entry) | {"cost_source": entry.cost_source.value}
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def parse_entry(line: bytes) -> Entry | None:
    """The entry that a line holds; None where it holds none."""
    try:
        values = json.loads(line.decode("utf-8", "surrogateescape"))
        values = {name: value for name, value in values.items() if name in _FIELDS}
        for name in ("tokens", "session_tokens"):
            values[name] = Tokens(**values[name]) if values.get(name) is not None else None
        values["cost_source"] = CostSource(values["cost_source"])
        values["labels"] = tuple(values.get("labels", ()))
        return Entry(**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def find_session_before(entries: Iterable[Entry], agent: str, session: str) -> tuple[Tokens | None, float | None]:
    """What an agent had last counted of a session: tokens and dollars, None each where it told of none."""
    tokens: Tokens | None = None
    cost: float | None = None
    for entry in entries:
        if session and (entry.agent, entry.session) == (agent, session):
            tokens = entry.session_tokens if entry.session_tokens is not None else tokens
            cost = entry.session_cost_usd if entry.session_cost_usd is not None else cost
    return tokens, cost


def find_of_attempt(entries: Sequence[Entry], spec: SpecId, attempt: int) -> tuple[Entry, ...]:
    """The entries of one attempt: one for each time that its agent was started."""
    return tuple(entry for entry in entries if (entry.spec, entry.attempt) == (spec, attempt))


def find_since(entries: Sequence[Entry], spec: SpecId, first_attempt: int) -> tuple[Entry, ...]:
    """The entries of a spec's attempts from that number on."""
    return tuple(entry for entry in entries if entry.spec == spec and entry.attempt >= first_attempt)
