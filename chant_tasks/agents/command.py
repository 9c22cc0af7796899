"""Any program of the user's as an agent: the prompt on its stdin, its exit status as its word."""

from collections.abc import Mapping, Sequence

from chant_tasks.agents.contract import AgentEvent, Exit, Launch, Outcome, Request, Said, judge_exit, shorten
from chant_tasks.config import Setting
from chant_tasks.errors import AgentError
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """The provider `command`: runs `providers.command.argv`."""

    name: str = "command"
    default_model: str | None = None
    can_resume: bool = False
    tested: tuple[str, ...] = ()
    is_plain: bool = True

    def executable(self, settings: Mapping[str, Setting]) -> str | None:
        argv = _argv_of(settings)
        return argv[0] if argv else None

    def plan_launch(self, request: Request) -> Launch:
        argv = _argv_of(request.settings)
        if not argv:
            raise AgentError(
                "the provider `command` has no command",
                "set one in .chant/config.md:  providers: {command: {argv: [my-agent]}}",
            )
        return Launch(argv=argv, env={}, stdin=request.prompt)

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        text = shorten(line)
        return (Said(text),) if text else ()

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        return judge_exit(exit, events)


def _argv_of(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    argv = settings.get("argv", ())
    return argv if isinstance(argv, tuple) else (str(argv),)
