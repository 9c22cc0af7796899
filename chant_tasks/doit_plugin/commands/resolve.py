"""`doit spec-resolve`, `doit spec-land` and `doit spec-discard`: the ways on for work that waits on a spec's branch."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.own_command import OwnCommand, load_own_overview
from chant_tasks.doit_plugin.commands.spec_names import require_specs
from chant_tasks.doit_plugin.run.nesting import refuse_nesting
from chant_tasks.doit_plugin.run.signals import hold, interruptible, raise_pending
from chant_tasks.doit_plugin.screens.next_steps import render_next
from chant_tasks.doit_plugin.screens.summary import render_rows
from chant_tasks.doit_plugin.screens.terminal import (
    COLOURS,
    Style,
    flatten,
    icon_or_word,
    load_style,
    paint,
    write_line,
    write_story,
)
from chant_tasks.errors import ChantError
from chant_tasks.events import CheckStarted, Event, Finalized, Landing, Listener, Notice, NotPublished, Published
from chant_tasks.overview import load_state
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind, State
from chant_tasks.steps.prepare import prepare_repair
from chant_tasks.steps.push_target import push_target
from chant_tasks.steps.resolve import discard_branch, land_branch, resolve_branch
from chant_tasks.steps.run import SpecRun

Resolve = Callable[[SpecRun, SpecId], bool]


class SpecResolve(OwnCommand):
    """Makes folders in which a person resolves conflicts."""

    name = "spec-resolve"
    doc_purpose = "make a folder to resolve a spec's conflict in: its branch, with the target being merged"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = (
        "Your checkout stays as it is. Resolve and commit in the folder, then: doit spec-land SPEC, which removes it."
    )
    cmd_options = ()

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:  # noqa: ARG002
        """0 where there is a folder for each of the specs."""
        return resolve_specs(self.name, names, _resolve)


class SpecLand(OwnCommand):
    """Lands what a person has resolved on specs' branches."""

    name = "spec-land"
    doc_purpose = "land the work on a spec's branch, after a conflict was resolved there"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = "The same evidence is asked for as at the end of an agent's work. No agent runs."
    cmd_options = ()

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:  # noqa: ARG002
        """0 where each of the specs is completed now."""
        return resolve_specs(self.name, names, _land)


class SpecDiscard(OwnCommand):
    """Sets the work on specs' branches aside, from where it can be had back."""

    name = "spec-discard"
    doc_purpose = "set the work on a spec's branch aside, so that the spec is worked again"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = "Nothing is lost: the work stays under refs/chant/attempts/, and how to get it back is printed."
    cmd_options = ()

    def work(self, options: Mapping[str, Any], names: Sequence[str]) -> int:  # noqa: ARG002
        """0 where each of the branches was set aside."""
        return resolve_specs(self.name, names, _discard)


def resolve_specs(command: str, names: Sequence[str], resolve: Resolve) -> int:
    """Calls `resolve` for each of the specs that are named, and returns 1 where one was not resolved, else 0.

    Raises InvalidCommand for a name that is no spec's, and ChantError where the repository is in no state for it.
    """
    if not names:
        raise InvalidCommand(f"{command}: name at least one spec.")
    overview = load_own_overview(command, Path.cwd(), os.environ)
    specs = require_specs(names, overview)
    refuse_nesting(os.environ, overview.project.journal_folder, f"run doit {command} beside it")
    run = prepare_repair(overview, plan_listener(sys.stdout))
    with interruptible(run.stop, _tell_stop, lambda: "ended at once; the next doit goes on from there"):
        with hold():  # a check that is ended so leaves its spec waiting, not half landed
            results = [_resolve_one(run, spec_id, resolve) for spec_id in specs if not run.stop.is_set()]
            pushed = push_target(run) if run.config.push and not run.stop.is_set() else None
        raise_pending()
    return 0 if all(results) and not (pushed is not None and pushed.problem) else 1


def plan_listener(stdout: Any) -> Listener:
    """Prints what a landing came to on `stdout`, and what happens on the way on stderr."""

    def listen(event: Event) -> None:
        match event:
            case Finalized(spec=spec, target=target, tip=tip):
                icon = "✓ " if load_style(stdout).has_unicode else ""
                write_line(stdout, f"{icon}Finalized {spec}, {target} is at {tip}")
            case Landing(text=text) | Notice(text=text) | Published(text=text) | NotPublished(text=text):
                write_story(stdout, [text])
            case CheckStarted(text=text):
                write_story(stdout, [f"checks {text}"])
            case _:
                pass  # the state that comes back says the rest

    return listen


def render_unresolved(spec_id: SpecId, state: State, style: Style) -> str:
    """Why a spec was not landed, and what to type next."""
    head = f"{paint(f'{icon_or_word(state, style)} {spec_id}', COLOURS[state.kind], style)}  {state.reason}".rstrip()
    details = [(label, text) for label, text in state.details if state.reason not in (text, f"{label} {text}")]
    steps = [("" if index else "next", line) for index, line in enumerate(render_next(state.next))]
    return "\n".join([head, *render_rows([*details, *steps])])


def _tell_stop(_: int) -> None:
    write_story(sys.stdout, ["stopping: what runs is ended; Ctrl-C again ends at once"])


def _resolve_one(run: SpecRun, spec_id: SpecId, resolve: Resolve) -> bool:
    try:
        return resolve(run, spec_id)
    except ChantError as error:
        write_story(sys.stdout, [f"chant_tasks: {error}"])
        return False


def _resolve(run: SpecRun, spec_id: SpecId) -> bool:
    place, short = resolve_branch(run, spec_id), quote(run.overview.short.get(spec_id, spec_id))
    what = f"resolve {', '.join(map(flatten, place.paths))}, then commit" if place.paths else "mend it and commit"
    write_line(sys.stdout, f"cd {quote(str(place.folder))}")
    write_line(sys.stdout, f"  {what}; afterwards, in your checkout: {place.then} {short}")
    return True


def _land(run: SpecRun, spec_id: SpecId) -> bool:
    was_landed = load_state(run.overview, spec_id).kind is Kind.COMPLETED
    state = land_branch(run, spec_id)
    if was_landed and state.is_satisfied:
        write_line(sys.stdout, f"{spec_id} has landed already")
    if not state.is_satisfied:
        write_line(sys.stdout, render_unresolved(spec_id, state, load_style(sys.stdout)))
    return state.is_satisfied


def _discard(run: SpecRun, spec_id: SpecId) -> bool:
    write_line(sys.stdout, discard_branch(run, spec_id))
    return True
