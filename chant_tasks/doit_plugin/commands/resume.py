"""`doit spec-resume`: works specs as `doit SPEC` does, going on from what is kept of their last attempts."""

import functools
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import doit.cmd_run
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.run import Run
from chant_tasks.doit_plugin.session import is_switched_off


class SpecResume(Run):
    """Our `run`, for named specs of which something is kept."""

    name = "spec-resume"
    config: Mapping[str, Mapping[str, Any]]
    doc_purpose = "go on with specs that failed or were interrupted, from what is kept of them"
    doc_usage = "SPEC [SPEC ...]"
    doc_description = (
        "Works each of the specs as `doit SPEC` does, from the work that its last attempt left and, where the agent can"
        " resume its session, in that. A spec of which nothing is kept is refused, and then none of them is worked."
    )

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        sections = (self.config.get(name, {}) for name in ("GLOBAL", "run", self.name))
        self.config_vals = {name: value for section in sections for name, value in section.items()}

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Run with the options in any place: behind a name they can be nobody else's."""
        from chant_tasks.doit_plugin.commands.command_line import is_help_asked, permute, print_help
        from chant_tasks.doit_plugin.commands.own_command import require_known_options

        if is_help_asked(self.name, in_args, self.cmdparser):
            return print_help(self.help())
        require_known_options(self.name, in_args, self.cmdparser)
        return int(super().parse_execute(permute(in_args, self.cmdparser)) or 0)

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the specs; the exit status, 1 where one of them cannot be gone on with."""
        from chant_tasks.doit_plugin.screens.terminal import write_story
        from chant_tasks.errors import ChantError

        if not args:
            raise InvalidCommand(f"{self.name}: name at least one spec.")
        if is_switched_off(os.environ):
            raise InvalidCommand(f"{self.name} works specs, and CHANT_DOIT=off switches that off.")
        try:
            return super().execute(params, args)
        except ChantError as error:
            write_story(sys.stdout, [f"chant_tasks: {error}"])
            return 1

    @functools.wraps(doit.cmd_run.Run._execute)  # doit picks the options by the signature
    def _execute(self, *positional: Any, **named: Any) -> int:
        self._choose()
        return super()._execute(*positional, **named)

    def _choose(self) -> None:
        """Make the names whole. Raises RepositoryError with each reason why one of the specs is refused."""
        from chant_tasks.doit_plugin.commands.spec_names import require_specs
        from chant_tasks.errors import RepositoryError
        from chant_tasks.steps.earlier import find_refusal

        session = self._session
        assert session is not None
        if session.is_agent:
            raise RepositoryError(f"{self.name} is for people; an agent at work on a spec cannot use it")
        if session.problem is not None:
            raise session.problem
        overview = session.overview
        if overview is None:
            raise RepositoryError("this dodo has no specs", "doit spec-init")
        specs = require_specs(self.sel_tasks or (), overview)
        refusals = [refusal for spec_id in specs if (refusal := find_refusal(overview, spec_id)) is not None]
        if refusals:
            raise RepositoryError("\n".join(refusals))
        self.sel_tasks, self.resumed = list(specs), frozenset(specs)
