"""What `doit spec-doctor --agents` shows: a line for each agent, and below it what is wrong and what to do."""

import json
from collections.abc import Iterator, Mapping, Sequence

from chant_tasks.agents.contract import Finished
from chant_tasks.agents.look import Call, Look, Weight
from chant_tasks.doit_plugin.screens.list_json import JsonValue
from chant_tasks.doit_plugin.screens.terminal import Colour, Style, flatten, paint
from chant_tasks.words import render_count

_COLOURS = {Weight.ERROR: Colour.RED, Weight.WARNING: Colour.YELLOW}


def render_looks(looks: Sequence[Look], style: Style) -> Iterator[str]:
    """Yield the lines of all agents."""
    for look in looks:
        yield f"{_render_sign(look, style)} {', '.join(_list_words(look))}"
        for problem in look.problems:
            yield f"  {paint(problem.weight.value, _COLOURS[problem.weight], style)}: {flatten(problem.reason)}"
            if problem.hint:
                yield f"    {flatten(problem.hint)}"


def render_looks_count(looks: Sequence[Look]) -> str:
    """Return how many agents were looked over, and how many of them can be used."""
    usable = sum(look.is_usable for look in looks)
    return f"{render_count(len(looks), 'agent')}: {usable} can be used, {len(looks) - usable} cannot"


def render_looks_json(looks: Sequence[Look]) -> str:
    """An array of one object for each agent, with keys that stay."""
    return json.dumps([_json_value(look) for look in looks], indent=2, ensure_ascii=False)


def _render_sign(look: Look, style: Style) -> str:
    if not look.is_usable:
        sign, colour = ("✗" if style.has_unicode else "cannot be used:"), Colour.RED
    elif look.problems:
        sign, colour = ("⚠" if style.has_unicode else "look:"), Colour.YELLOW
    else:
        sign, colour = ("✓" if style.has_unicode else "fine:"), Colour.GREEN
    return paint(sign, colour, style)


def _list_words(look: Look) -> Iterator[str]:
    subject, facts = look.subject, look.facts
    account = f"for {subject.account}" if subject.account else ""
    yield " ".join(filter(None, (subject.name, facts.version, account)))
    if subject.is_used:
        yield "in use"
    if facts.path:
        yield facts.path
    if facts.missing == ():
        yield f"all {facts.flags} flags known"
    if facts.login:
        yield facts.login
    if facts.call is not None and isinstance(facts.call.outcome, Finished):
        yield "answered on loopback"
    if facts.path and facts.missing is None:
        yield "nothing more is known of it"


def _json_value(look: Look) -> Mapping[str, JsonValue]:
    subject, facts = look.subject, look.facts
    return {
        "agent": subject.name,
        "account": subject.account or None,
        "in_use": subject.is_used,
        "usable": look.is_usable,
        "command": subject.command or None,
        "path": facts.path or None,
        "version": facts.version or None,
        "tested": list(subject.tested),
        "missing_flags": list(facts.missing) if facts.missing is not None else None,
        "login": facts.login or None,
        "call": _json_call(facts.call),
        "problems": [
            {"level": problem.weight.value, "reason": problem.reason, "hint": problem.hint or None}
            for problem in look.problems
        ],
    }


def _json_call(call: Call | None) -> JsonValue:
    if call is None:
        return None
    return "answered" if isinstance(call.outcome, Finished) and call.requests else "failed"
