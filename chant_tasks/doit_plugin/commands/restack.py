"""`doit spec-restack`: branches that stand on others' branches follow these."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview, plan_option
from chant_tasks.doit_plugin.commands.resolve import render_unresolved
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.run.nesting import refuse_nesting
from chant_tasks.doit_plugin.screens.terminal import Style, load_style, write_line, write_story
from chant_tasks.events import Event, Notice, NotPublished, Published
from chant_tasks.spec.model import SpecId
from chant_tasks.state import State
from chant_tasks.steps.prepare import prepare_repair
from chant_tasks.steps.publish import publish
from chant_tasks.steps.restack import Contradicts, Restacked, Result, Stays, plan_restack, restack_all
from chant_tasks.steps.run import SpecRun
from chant_tasks.words import render_some


class SpecRestack(OwnCommand):
    """Moves specs' branches to where what they stand on is now."""

    name = "spec-restack"
    doc_purpose = "move branches that stand on other specs' branches to where these are now"
    doc_usage = "[SPEC ...]"
    doc_description = (
        "For after a dependency's branch was amended, rebased, committed to or merged. Without a name all are moved"
        " that have to be, dependencies first; with names these, and what stands on them. No agent runs, and what a"
        " branch held before stays under refs/chant/attempts/."
    )
    cmd_options = (plan_option("dry-run", bool, "say what would be moved, and move nothing"),)

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:
        """0 where each branch stands as it should now, or would."""
        is_dry = bool(options["spec_dry_run"])
        overview = load_own_overview(self.name, Path.cwd(), os.environ)
        named = require_specs(names, overview) if names else ()
        refuse_nesting(os.environ, overview.project.journal_folder, f"run doit {self.name} beside it")
        run = prepare_repair(overview, _listen)
        results = []
        for result in restack_all(run, plan_restack(overview, named), is_dry=is_dry):
            results.append(result)
            _show(result, is_dry=is_dry)
        if not results:
            write_story(sys.stdout, ["nothing to restack: every branch stands on what it is to stand on"])
        moved = [result.spec for result in results if isinstance(result, Restacked)]
        pushed = [is_dry or _push(run, spec_id) for spec_id in moved]
        return 0 if len(moved) == len(results) and all(pushed) else 1


def render_result(result: Result, style: Style, *, is_dry: bool) -> str:
    """What came of a spec, or would, and what to type next."""
    match result:
        case Restacked():
            return _render_restacked(result, style, is_dry=is_dry)
        case Contradicts(spec=spec, state=State() as state):
            return render_unresolved(spec, state, style)
        case Contradicts(spec=spec):
            return f"{spec}  would conflict with {result.onto}: {render_some(result.paths)}"
        case Stays(spec=spec, reason=reason, hint=hint):
            return f"{spec}  stays where it is: {reason}" + (f"\n  {hint}" if hint else "")
        case _:
            assert_never(result)


def _push(run: SpecRun, spec_id: SpecId) -> bool:
    """Whether the branch's pull request, where it has one, is as it shall be; what went wrong was told."""
    done = publish(run, spec_id)
    return done is None or not done.problem


def _listen(event: Event) -> None:
    match event:
        case Published(spec=spec, text=text) | NotPublished(spec=spec, text=text):
            write_story(sys.stdout, [f"{spec}  {text}"])
        case Notice(spec=spec, text=text):
            write_story(sys.stdout, [f"{spec}  {text}".strip()])
        case _:
            pass  # the results say the rest


def _show(result: Result, *, is_dry: bool) -> None:
    text = render_result(result, load_style(sys.stdout), is_dry=is_dry)
    if isinstance(result, Stays):
        write_story(sys.stdout, [text])
    else:
        write_line(sys.stdout, text)


def _render_restacked(result: Restacked, style: Style, *, is_dry: bool) -> str:
    onto = f"{result.onto} {result.base[:7]}".rstrip()
    if is_dry:
        verb = "would follow" if not result.base else "would move onto" if result.is_rewritten else "stands already on"
        return f"{result.spec}  {verb} {onto}"
    icon = "✓ " if style.has_unicode else ""
    if not result.is_rewritten:
        return f"{icon}Restacked {result.spec}: {result.branch} stands on {onto} as it is"
    return f"{icon}Restacked {result.spec} onto {onto}, {result.branch} is at {result.tip[:7]}"
