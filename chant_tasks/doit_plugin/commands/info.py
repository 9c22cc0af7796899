"""`doit info`: what is known of a spec, or doit's own answer for any other task."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.cmd_info import Info as DoitInfo

from chant_tasks.doit_plugin.commands.session_command import SessionCommand
from chant_tasks.doit_plugin.session import Session

if TYPE_CHECKING:
    from chant_tasks.overview import Overview

_MOST_MERGES = 100  # of branches, which take about 20 ms each


class Info(SessionCommand, DoitInfo):  # type: ignore[misc]  # doit has no types
    """Reads the names, asks the overview, prints."""

    name = "info"
    doc_purpose = "show info about a task, or about specs"

    def prepare(self, session: Session, params: Mapping[str, Any]) -> None:  # noqa: ARG002  # for others
        self.defer_database(params)

    def _execute(self, pos_args: Sequence[str], hide_status: bool = False) -> int:
        session = self.session
        if session is not None and session.overview is not None:
            from chant_tasks.doit_plugin.dodo_problems import find_dodo_problems

            session.add_problems(find_dodo_problems(session.overview, self.task_list, Path.cwd()))
        overview = session.overview if session is not None else None
        known = {task.name for task in self.task_list}
        self.refuse_unseen(pos_args)
        if overview is not None and pos_args:
            from chant_tasks.doit_plugin.commands.spec_names import expand_groups, require_names
            from chant_tasks.doit_plugin.screens.terminal import until_closed

            others = {task.name for task in self.find_others()}
            pos_args = require_names(pos_args, overview, known)
            specs = expand_groups(pos_args, overview, others)
            if all(name in overview.states and name not in others for name in specs):
                with until_closed(self.outstream):
                    self._print(overview, specs)
                return 0
        self.open_database()
        return int(super()._execute(pos_args, hide_status) or 0)

    def _print(self, overview: "Overview", names: Sequence[str]) -> None:
        from chant_tasks.doit_plugin.screens.info_screen import render_info
        from chant_tasks.doit_plugin.screens.terminal import load_style, write_line
        from chant_tasks.overview import load_attempts
        from chant_tasks.overview.in_flight import with_meetings
        from chant_tasks.spec.model import SpecId

        style, now = load_style(self.outstream), datetime.now().astimezone()
        for index, spec_id in enumerate(SpecId(name) for name in names):
            met = with_meetings(overview, _MOST_MERGES, spec_id)
            screen = render_info(met, spec_id, load_attempts(overview, spec_id), now, style)
            write_line(self.outstream, screen if index == 0 else f"\n{screen}")
