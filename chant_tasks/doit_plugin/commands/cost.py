"""`doit spec-cost`: what the agents used, and what that cost."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_specs_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.screens.cost_screen import render_sums, render_sums_csv, render_sums_json
from chant_tasks.doit_plugin.screens.terminal import load_style, write_line, write_story
from chant_tasks.journal.ledger import Entry, load_entries
from chant_tasks.journal.ledger_sums import Group, find_sum, find_sums
from chant_tasks.overview import Overview


class SpecCost(OwnCommand):
    """Reads what is asked for, and prints the sums."""

    name = "spec-cost"
    doc_purpose = "show what agents used and cost"
    doc_usage = "[SPEC ...]"
    doc_description = (
        "Every run of an agent is counted, also failed and interrupted ones. A cost is what the agent reports, or is\n"
        "computed from its tokens where .chant/config.md has `prices:` for the model; else it is unknown, and said so."
    )
    cmd_options = (
        plan_option("by", str, f"group by {', '.join(group.value for group in Group)} (default: spec)"),
        plan_option("since", str, "only runs that started on this day or later (2026-01-31)"),
        plan_option("json", bool, "print JSON"),
        plan_option("csv", bool, "print CSV"),
    )

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        group = parse_group(options["spec_by"] or Group.SPEC.value)
        since = parse_day(options["spec_since"]) if options["spec_since"] else None
        if options["spec_json"] and options["spec_csv"]:
            raise InvalidCommand("spec-cost: --json and --csv exclude each other.")
        overview = load_specs_overview(Path.cwd())
        entries = find_entries(overview, names, since)
        sums = find_sums(entries, group)
        total = find_sum("total", entries)
        if options["spec_json"]:
            write_line(sys.stdout, render_sums_json(sums, total))
        elif options["spec_csv"]:
            write_line(sys.stdout, render_sums_csv(sums))
        elif not entries:
            write_story(sys.stdout, ["no agent has run here" + (" for that" if names or since else "")])
        else:
            for line in render_sums(sums, total, group.value, load_style(sys.stdout)):
                write_line(sys.stdout, line)
        return 0


def find_entries(overview: Overview, names: Sequence[str], since: datetime | None) -> tuple[Entry, ...]:
    """The ledger's entries of the named specs (none: of all) since a moment. Raises InvalidCommand for a bad name."""
    entries = load_entries(overview.project.journal_folder)
    if names:
        wanted = set(require_specs(names, overview, (*overview.archived, *(entry.spec for entry in entries))))
        entries = tuple(entry for entry in entries if entry.spec in wanted)
    if since is None:
        return entries
    return tuple(entry for entry in entries if datetime.fromisoformat(entry.started_at) >= since)


def parse_group(text: str) -> Group:
    """What to group by. Raises InvalidCommand where there is no such thing."""
    words = [group.value for group in Group]
    if text not in words:
        near = get_close_matches(text, words, n=1)
        meant = f" (did you mean `{near[0]}`?)" if near else ""
        raise InvalidCommand(f"spec-cost: --by takes one of {', '.join(words)}, not `{text}`{meant}.")
    return Group(text)


def parse_day(text: str) -> datetime:
    """The beginning of that day here, or the moment. Raises InvalidCommand where that is no date."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InvalidCommand(f"spec-cost: --since takes a date such as 2026-01-31, not `{text}`.") from None
