"""A spec that is worked without a model: the shell script in its own frontmatter."""

from collections.abc import Mapping, Sequence

from chant_tasks.agents.contract import AgentEvent, Exit, Launch, Outcome, Request, Said, judge_exit, shorten
from chant_tasks.config import Setting
from chant_tasks.errors import AgentError
from chant_tasks.values import dataclass


@dataclass(frozen=True, slots=True)
class Script:
    """The provider `script`: runs the spec's `run:` with `sh -e`."""

    name: str = "script"
    default_model: str | None = None
    can_resume: bool = False
    tested: tuple[str, ...] = ()
    is_plain: bool = True

    def executable(self, settings: Mapping[str, Setting]) -> str | None:  # noqa: ARG002  # the contract's shape
        return "sh"

    def plan_launch(self, request: Request) -> Launch:
        if not (request.run or "").strip():
            raise AgentError(
                f"{request.spec} has no `run:`, which the provider `script` needs",
                "add `run:` to its frontmatter, or name another `provider:`",
            )
        return Launch(argv=("sh", "-e", "-c", request.run or ""), env={}, stdin="")

    def parse_line(self, line: str) -> tuple[AgentEvent, ...]:
        text = shorten(line)
        return (Said(text),) if text else ()

    def judge(self, exit: Exit, events: Sequence[AgentEvent]) -> Outcome:
        return judge_exit(exit, events)
