"""What a run says at its end: one line of counts, then each problem with what to type next."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from chant_tasks.doit_plugin.run.outcome import How, Outcome, find_causes
from chant_tasks.doit_plugin.screens.next_steps import render_next
from chant_tasks.doit_plugin.screens.terminal import COLOURS, PLAIN, Style, flatten, icon_or_word, paint
from chant_tasks.journal.ledger_sums import Sum
from chant_tasks.state import ICONS, Kind, Next, State
from chant_tasks.values import dataclass
from chant_tasks.words import render_count, render_duration, render_money, render_some, render_tokens

_PROBLEMS = (How.FAILED, How.ATTENTION, How.LANDING_WAITS, How.NOT_PUSHED, How.BROKEN)
_QUIET = (How.UP_TO_DATE, How.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpushed:
    """The target that could not be pushed: why, and what to type against that ("" for nothing in particular)."""

    target: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished run. `passed` is how many specs were settled before it, and have no outcome of their own, `skipped`
    are tasks of the dodo that waiting specs kept from running, with these specs; `used` is what its agents have used,
    `slots` how many specs it worked at once (`-n`; 0: one by one, in the user's checkout). `unpushed` is the target,
    where that could not be pushed.
    """

    outcomes: Mapping[str, Outcome]
    short: Mapping[str, str]
    titles: Mapping[str, str]
    seconds: float
    passed: int = 0
    skipped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    used: Sum | None = None
    slots: int = 0
    unpushed: Unpushed | None = None
    style: Style = PLAIN


def render_report(report: Report) -> tuple[str, ...]:
    """The lines of the end of a run; none where it had no specs."""
    if not report.outcomes and not report.passed:
        return ()
    lines = [_render_counts(report)]
    for spec, outcome in report.outcomes.items():
        if outcome.how in _PROBLEMS or (outcome.state.details and outcome.state.is_satisfied):
            lines += ["", *_render_problem(report, spec, outcome)]
    lines += ["", *_render_unpushed(report, report.unpushed)] if report.unpushed is not None else []
    rest = [
        *_render_interrupted(report),
        *_render_blocked(report),
        *_render_waiting(report),
        *_render_not_started(report),
    ]
    if rest:
        lines += ["", *rest]
    return tuple(lines)


def _render_unpushed(report: Report, unpushed: Unpushed) -> Iterator[str]:
    icon = f"{ICONS[Kind.ATTENTION]} " if report.style.has_unicode else ""
    line = f"{icon}{unpushed.target} is not pushed: {flatten(unpushed.reason)}"
    yield paint(line, COLOURS[Kind.ATTENTION], report.style)
    mend = (Next(command=unpushed.mend, purpose="mend that, then"),) if unpushed.mend else ()
    again = Next(command="doit", purpose="push it; what has landed stays so")
    yield from render_rows(_next_rows((*mend, again), report.slots))


def _render_counts(report: Report) -> str:
    counts = dict.fromkeys(How, 0)
    for outcome in report.outcomes.values():
        counts[outcome.how] += 1
    counts[How.UP_TO_DATE] += report.passed
    words = ", ".join(_render_how(how, number) for how, number in counts.items() if number)
    was_idle = all(not number for how, number in counts.items() if how not in _QUIET)
    if was_idle:
        return words
    return ", ".join([f"{words} in {render_duration(report.seconds)}", *render_use(report.used)])


def render_use(used: Sum | None) -> Iterator[str]:
    """What the agents of a run have cost, or the tokens that they used where nobody knows a cost: `$3.10`, and how many
    costs are unknown. Nothing where they told nothing, as scripts do."""
    if used is None or used.untold == used.unknown == used.runs:
        return
    is_unknown = used.unknown == used.runs
    yield f"{render_tokens(used.tokens.total)} tokens" if is_unknown else render_money(used.cost_usd)
    if used.unknown:
        yield f"{used.unknown} of unknown cost" if not is_unknown else "cost unknown"


def _render_how(how: How, number: int) -> str:
    match how:
        case How.ATTENTION:
            return render_count(number, "needs attention", "need attention")
        case How.LANDING_WAITS:
            return render_count(number, "landing waits", "landings wait")
        case How.IN_PROGRESS:
            return f"{number} in progress elsewhere"
        case _:
            return f"{number} {how.value}"


def _render_problem(report: Report, spec: str, outcome: Outcome) -> Iterator[str]:
    state = outcome.state
    kind = Kind.ATTENTION if state.is_satisfied else state.kind
    icon = ICONS[kind] if report.style.has_unicode else state.label
    title = flatten(report.titles.get(spec, ""))
    yield paint(f"{icon} {spec}", COLOURS[kind], report.style) + (f"  {title}" if title else "")
    yield from render_rows(_problem_rows(state, report.slots))


def _problem_rows(state: State, slots: int) -> Iterator[tuple[str, str]]:
    details = state.details or (((state.label, state.reason),) if state.reason else ())
    yield from ((label, flatten(text)) for label, text in details)
    yield from _next_rows(state.next, slots)


def _next_rows(steps: Sequence[Next], slots: int) -> Iterator[tuple[str, str]]:
    for index, line in enumerate(render_next(steps, slots)):
        yield "" if index else "next", line


def render_rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Labels and texts as indented columns."""
    listed = list(rows)
    width = max([9, *(len(label) for label, _ in listed)])
    for label, text in listed:
        yield f"  {label:<{width}}  {text}"


def _render_blocked(report: Report) -> Iterator[str]:
    for spec, outcome in report.outcomes.items():
        if outcome.how is not How.BLOCKED:
            continue
        icon = ICONS[Kind.BLOCKED] if report.style.has_unicode else "-"
        causes = tuple(_render_cause(report, name) for name in find_causes(spec, report.outcomes))
        words = f"by {render_some(causes)}" if causes else outcome.state.reason
        yield f"{paint(icon, COLOURS[Kind.BLOCKED], report.style)} {spec}  blocked {words}".rstrip()


def _render_not_started(report: Report) -> Iterator[str]:
    """Specs that were not begun though nothing is wrong with them, by the reason."""
    found: dict[tuple[str, tuple[Next, ...]], list[str]] = {}
    for spec, outcome in report.outcomes.items():
        if outcome.how is How.NOT_STARTED and outcome.state.next:
            found.setdefault((outcome.state.reason, outcome.state.next), []).append(report.short.get(spec, spec))
    for (reason, steps), names in found.items():
        icon = ICONS[Kind.READY] if report.style.has_unicode else "-"
        whom = render_some(tuple(names))
        yield f"{paint(icon, COLOURS[Kind.READY], report.style)} {whom}  not started: {reason}"
        yield from render_rows(_next_rows(steps, report.slots))


def _render_interrupted(report: Report) -> Iterator[str]:
    """Specs in whose middle the run was ended, each with what is kept of it."""
    found = [spec for spec, outcome in report.outcomes.items() if outcome.how is How.INTERRUPTED]
    for spec in found:
        icon = ICONS[Kind.READY] if report.style.has_unicode else "-"
        words = report.outcomes[spec].state.reason or "interrupted, before anything was changed"
        yield f"{paint(icon, COLOURS[Kind.READY], report.style)} {spec}  {words}"
    if found:
        yield from render_rows(_next_rows((Next(command="doit", purpose="go on"),), report.slots))


def _render_cause(report: Report, name: str) -> str:
    outcome = report.outcomes.get(name)
    return f"{report.short.get(name, name)} ({outcome.state.label if outcome is not None else 'failed'})"


def _render_wait(state: State) -> str:
    """`waiting for approval`, `waiting: rejected by Ann`."""
    sign = "" if not state.reason or state.reason.startswith("for ") else ":"
    return f"{state.label}{sign} {state.reason}".rstrip()


def _render_waiting(report: Report) -> Iterator[str]:
    style = report.style
    for spec, outcome in report.outcomes.items():
        if outcome.how in (How.WAITING, How.IN_PROGRESS):
            icon = icon_or_word(outcome.state, style) if style.has_unicode else "-"
            state = outcome.state
            yield f"{paint(icon, COLOURS[outcome.state.kind], style)} {spec}  {_render_wait(state)}"
            if outcome.how is How.WAITING:
                yield from render_rows(_next_rows(state.next, report.slots))
    for task, specs in report.skipped.items():
        icon = ICONS[Kind.WAITING] if style.has_unicode else "-"
        names = render_some(tuple(report.short.get(spec, spec) for spec in specs))
        yield f"{paint(icon, COLOURS[Kind.WAITING], style)} {task}  skipped: it waits for {names}"
