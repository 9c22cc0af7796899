"""Whether attempts come to anything: how many in a row have failed with the same change, or with none."""

import hashlib
from collections.abc import Iterable, Sequence

from chant_tasks.git.objects import Change
from chant_tasks.journal.attempt import AttemptRecord
from chant_tasks.state import NO_CHANGE, Ending

# Errors of the service and of its login: they say nothing of whether the spec can be worked.
_OF_SERVICE = ("auth", "usage limit", "rate limit", "overloaded", "network")


def name_change(changes: Iterable[Change], spec_path: str) -> str:
    """A name for what an attempt left, the same for the same files; that of no change where it left none. Boxes that
    were ticked are no work."""
    left = sorted((change.path, change.new_mode, change.new) for change in changes if change.path != spec_path)
    return hashlib.sha256(repr(left).encode("utf-8", "surrogateescape")).hexdigest()[:16] if left else NO_CHANGE


def count_tries(record: AttemptRecord, earlier: Sequence[AttemptRecord]) -> int:
    """How many attempts in a row failed with the change of `record`, which is about to fail itself; `earlier` are those
    before it, oldest first.

    Attempts that were interrupted, or whose agent never came to work, neither count nor end the row.
    """
    number = 1 if _says_something(record) else 0
    change = record.change if number else None
    for before in reversed(earlier):
        if before.ending is Ending.INTERRUPTED or (before.ending is Ending.FAILED and not _says_something(before)):
            continue
        if before.ending is not Ending.FAILED or (change or before.change) != before.change:
            break
        change, number = before.change, number + 1
    return number


def _says_something(record: AttemptRecord) -> bool:
    has_ended = record.agent_process is not None and record.agent_end is not None
    return bool(record.change) and has_ended and record.error_class not in _OF_SERVICE
