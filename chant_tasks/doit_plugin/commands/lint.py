"""`doit spec-lint`: what would break, said before an agent is paid for finding out."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chant_tasks.doit_plugin.commands.lint_rules import Finding, Level, count_levels, load_findings
from chant_tasks.doit_plugin.commands.own_command import OwnCommand, find_short_path, load_specs_overview, plan_option
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.screens.list_json import JsonValue
from chant_tasks.doit_plugin.screens.terminal import Colour, Style, flatten, load_style, paint, write_line, write_story
from chant_tasks.words import render_count

_COLOURS = {Level.ERROR: Colour.RED, Level.WARNING: Colour.YELLOW}


class SpecLint(OwnCommand):
    """Reads the names, looks at everything, prints what is wrong."""

    name = "spec-lint"
    doc_purpose = "say what would break specs: graph, criteria, prompts, settings, names"
    doc_usage = "[SPEC ...]"
    doc_description = "Exit status 1 where there are errors, 0 with warnings only. The dodo's tasks are not looked at."
    cmd_options = (plan_option("json", bool, "print findings as JSON"),)

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        overview = load_specs_overview(Path.cwd())
        chosen = require_specs(names, overview) if names else None
        findings = load_findings(overview, shutil.which, chosen)
        style = load_style(sys.stdout)
        if options["spec_json"]:
            write_line(sys.stdout, render_findings_json(findings, overview.project.root))
        else:
            for line in render_findings(findings, Path.cwd(), style):
                write_line(sys.stdout, line)
            specs = overview.ids if chosen is None else chosen
            write_story(sys.stdout, [render_counts(len(specs), findings)])
        return 1 if count_levels(findings)[Level.ERROR] else 0


def render_findings(findings: Sequence[Finding], folder: Path, style: Style) -> Iterator[str]:
    """`path:line: error: reason`, which editors know, and in a line below what to do, the first time that it helps."""
    hinted: set[str] = set()
    for finding in findings:
        where = f"{find_short_path(finding.path, folder)}:" if finding.path is not None else ""
        where += f"{finding.line}: " if finding.line else " " if where else ""
        level = paint(finding.level.value, _COLOURS[finding.level], style)
        yield f"{where}{level}: {flatten(finding.reason)}"
        if finding.hint and finding.hint not in hinted:
            yield f"  {flatten(finding.hint)}"
        hinted.add(finding.hint)


def render_findings_json(findings: Sequence[Finding], root: Path) -> str:
    """An array of one object for each finding, with keys that stay."""
    return json.dumps([_json_value(finding, root) for finding in findings], indent=2, ensure_ascii=False)


def render_counts(specs: int, findings: Sequence[Finding]) -> str:
    """How many specs were looked at, and how many findings there are."""
    counts = [render_count(number, level.value) for level, number in count_levels(findings).items() if number]
    return f"{render_count(specs, 'spec')}: {', '.join(counts) or 'nothing wrong'}"


def _json_value(finding: Finding, root: Path) -> dict[str, JsonValue]:
    path = finding.path
    if path is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return {
        "level": finding.level.value,
        "reason": finding.reason,
        "hint": finding.hint or None,
        "spec": finding.spec,
        "path": str(path) if path is not None else None,
        "line": finding.line or None,
    }
