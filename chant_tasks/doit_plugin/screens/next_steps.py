"""What to type next, so that agents work where they worked: in worktrees after a `doit -n 4`, else in the checkout."""

import re
from collections.abc import Sequence

from chant_tasks.config import Isolation
from chant_tasks.doit_plugin.screens.terminal import measure, pad
from chant_tasks.overview import Overview
from chant_tasks.overview.load import COMMANDS
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Next

_GAP = 3
_LONG = 70  # several commands in a row, which stand out as they are
# What works specs: `doit SPEC`, `doit` alone, `doit spec-resume SPEC`; no other command.
_RUNS = re.compile(rf"\bdoit( spec-resume\b|(?= (?!(?:{'|'.join(sorted(COMMANDS))})(?: |$)))|$)")


def render_next(steps: Sequence[Next], slots: int = 0) -> tuple[str, ...]:
    """The commands to type next, with what each does aligned behind it; a long one moves no other's words aside."""
    commands = [plan_command(step.command, slots) for step in steps]
    widest = max((length for length in map(measure, commands) if length <= _LONG), default=0)
    padded = [pad(command, max(widest, measure(command)) + _GAP) for command in commands]
    return tuple(f"{command}{step.purpose}".rstrip() for command, step in zip(padded, steps, strict=True))


def plan_command(command: str, slots: int) -> str:
    """The command with `-n` where that is how specs are worked (0: it is not): without it, an agent would work in the
    user's own checkout."""
    return _RUNS.sub(rf"\g<0> -n {slots}", command) if slots else command


def find_run_slots(overview: Overview, slots: int) -> int:
    """The `-n` of a run that worked so many specs at once, where it decides where agents work; else 0."""
    is_auto = overview.config is None or overview.config.isolation is Isolation.AUTO
    return slots if is_auto else 0


def find_spec_slots(overview: Overview, spec_id: SpecId) -> int:
    """The `-n` with which a spec is worked where its last attempt was; 0 where that needs none."""
    record = overview.journal.records.get(spec_id)
    was_apart = record is not None and not record.is_in_place
    return find_run_slots(overview, 1) if was_apart else 0
