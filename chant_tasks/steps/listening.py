"""What an agent says while it works: its session noted, the rest told to whom it may concern, or kept for its end."""

from contextlib import suppress

from chant_tasks.agents.contract import (
    AgentEvent,
    Denied,
    Ended,
    Kept,
    Provider,
    Retried,
    Said,
    Started,
    Used,
    UsedTool,
    Warned,
    add_event,
)
from chant_tasks.events import AgentSaid, Notice
from chant_tasks.journal.process import ProcessMark, find_mark
from chant_tasks.journal.transitions import to_session, to_watched
from chant_tasks.steps.attempt import Attempt, save
from chant_tasks.steps.run import SpecRun
from chant_tasks.steps.use import say_cost


class Listening:
    """One agent as it is heard: `attempt` is its attempt as the journal has it by now."""

    def __init__(self, run: SpecRun, attempt: Attempt, provider: Provider) -> None:
        self.attempt = attempt
        self._run = run
        self._provider = provider
        self._kept: Kept = {}
        self._said: Said | UsedTool | None = None

    @property
    def events(self) -> tuple[AgentEvent, ...]:
        """What counts of all that it has said."""
        return tuple(self._kept.values())

    def hear(self, line: str) -> bool:
        """Note what a line tells; whether its last word has been said."""
        for event in self._provider.parse_line(line):
            add_event(self._kept, event)
            self._follow(event)
        return Ended in self._kept

    def tell(self) -> None:
        """Tell the last of what came at once: of a flood nobody could read more."""
        if self._said is not None:
            self._run.emit(AgentSaid(spec=self.attempt.spec.id, text=_word(self._said)))
        self._said = None

    def note_process(self, pid: int) -> None:
        """Note the process whose end is the end of all of it; one that has ended by now, too: an agent was there."""
        mark = find_mark(pid) or ProcessMark(pid=pid, started="")
        self.attempt = save(self._run, self.attempt, to_watched(self.attempt.record, mark))

    def _follow(self, event: AgentEvent) -> None:
        spec_id, record = self.attempt.spec.id, self.attempt.record
        if isinstance(event, Started) and event.session not in ("", record.session):
            with suppress(OSError):  # a full disk: not to know it after a crash is no reason to end the agent
                self.attempt = save(self._run, self.attempt, to_session(record, event.session))
        elif isinstance(event, Warned | Retried):
            self._run.emit(Notice(spec=spec_id, text=event.text))
        elif isinstance(event, Denied):
            self._run.emit(Notice(spec=spec_id, text=f"it was not let use {event.tool}"))
        elif isinstance(event, Said | UsedTool):
            self._said = event
        elif isinstance(event, Used):
            say_cost(self._run, record, self.events)


def _word(event: Said | UsedTool) -> str:
    return event.text if isinstance(event, Said) else f"{event.name} {event.detail}".strip()
