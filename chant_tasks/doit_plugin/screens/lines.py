"""One line for each event of a run: time, short id, what it is about, text."""

from collections.abc import Mapping
from typing import assert_never

from chant_tasks.doit_plugin.screens.terminal import Colour, Style, flatten, paint
from chant_tasks.events import (
    AgentEnded,
    AgentSaid,
    AgentSpends,
    AgentStarted,
    AgentUsed,
    AgentWaits,
    CheckStarted,
    Ended,
    Event,
    Finalized,
    KeptOnBranch,
    Landing,
    Notice,
    NotPublished,
    Published,
    SetupStarted,
    WorktreeMade,
)
from chant_tasks.state import ICONS, Kind


def render_event(event: Event, clock: str, short: Mapping[str, str], width: int, style: Style) -> str | None:
    """The event as a line whose ids take `width` columns; None for what only the live block shows."""
    text = _render_text(event, style)
    if text is None:
        return None
    if not event.spec:
        return text
    name = short.get(event.spec, event.spec)
    return f"{paint(clock, Colour.DIM, style)}  {paint(f'{name:<{width}}', Colour.BOLD, style)}  {text}"


def _render_text(event: Event, style: Style) -> str | None:
    match event:
        case WorktreeMade():
            where = "checkout" if event.is_in_place else "worktree"
            return f"{where}  {event.branch} from {event.target} {event.base}"
        case AgentStarted():
            model = f", model {event.model}" if event.model else ""
            session = f", session {event.session[:8]}" if event.session else ""
            account = f", account {flatten(event.account)}" if event.account else ""
            return f"agent     {event.agent}{account}{model}{session}"
        case AgentWaits():
            return f"agent     {flatten(event.text)}"
        case SetupStarted() | AgentSaid() | AgentSpends() | AgentUsed():
            return None
        case AgentEnded():
            return f"agent     {flatten(event.summary)}"
        case Landing():
            return f"landing   {flatten(event.text)}"
        case CheckStarted():
            return f"checks    {flatten(event.text)}"
        case Finalized():
            done = f"Finalized {event.spec}, {event.target} is at {event.tip}"
            return paint(f"✓ {done}" if style.has_unicode else done, Colour.GREEN, style)
        case KeptOnBranch():
            done = f"Finalized {event.spec} on its branch, {event.branch} is at {event.tip}"
            return paint(f"✓ {done}" if style.has_unicode else done, Colour.GREEN, style)
        case Published():
            return paint(f"✓ {event.text}" if style.has_unicode else event.text, Colour.GREEN, style)
        case NotPublished():
            text = flatten(event.text)
            return paint(f"⚠ {text}" if style.has_unicode else text, Colour.YELLOW, style)
        case Ended():
            text = flatten(event.text)
            colour = Colour.RED if event.icon == ICONS[Kind.FAILED] else Colour.YELLOW
            return paint(f"{event.icon} {text}" if style.has_unicode else text, colour, style)
        case Notice():
            return event.text if not event.spec else flatten(event.text)
        case _:
            assert_never(event)
