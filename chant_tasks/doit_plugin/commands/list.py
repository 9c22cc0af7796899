"""`doit list`: what doit lists, and every spec with its state. Without specs it is doit's own command."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from doit.cmd_list import List as DoitList

from chant_tasks.doit_plugin.commands.command_line import has_specs_nearby
from chant_tasks.doit_plugin.commands.session_command import SessionCommand
from chant_tasks.doit_plugin.session import Session, without_collections

_STATE_OPTION = {
    "name": "spec_state",
    "short": "",
    "long": "state",
    "type": list,
    "default": [],
    "help": "list only specs in this state (may be repeated)",
}
_LABEL_OPTION = {
    "name": "spec_label",
    "short": "",
    "long": "label",
    "type": list,
    "default": [],
    "help": "list only specs with this label (may be repeated)",
}
_JSON_OPTION = {
    "name": "spec_json",
    "short": "",
    "long": "json",
    "type": bool,
    "default": False,
    "help": "list specs as JSON",
}
_CONFIG_OPTION = {
    "name": "spec_config",
    "short": "",
    "long": "config",
    "type": bool,
    "default": False,
    "help": "print the settings that specs are worked with, and which keys are not used",
}


class List(SessionCommand, DoitList):  # type: ignore[misc]  # doit has no types
    """Reads options, asks the overview, prints."""

    name = "list"
    doc_purpose = "list tasks from dodo file, and specs with their states"
    cmd_options = (*DoitList.cmd_options, _STATE_OPTION, _LABEL_OPTION, _JSON_OPTION, _CONFIG_OPTION)

    def execute(self, params: Mapping[str, Any], args: Sequence[str]) -> int:
        with without_collections() if has_specs_nearby(params) else nullcontext():
            return super().execute(params, args)

    def prepare(self, session: Session, params: Mapping[str, Any]) -> None:
        # `-s` compares with what doit saved, for which tasks may ask each other
        session.is_listing = not params["status"]
        self.defer_database(params)

    def _execute(  # doit passes each option by the name that the signature has
        self,
        subtasks: bool = False,
        quiet: bool = True,
        status: bool = False,
        private: bool = False,
        list_deps: bool = False,
        template: str | None = None,
        sort: str = "name",
        pos_args: Sequence[str] = (),
        spec_state: Sequence[str] = (),
        spec_label: Sequence[str] = (),
        spec_json: bool = False,
        spec_config: bool = False,
    ) -> int:
        session = self.session
        if session is None or not session.has_specs or session.overview is None:
            return self._list_alone((subtasks, quiet, status, private, list_deps, template, sort, pos_args))
        from chant_tasks.doit_plugin.commands.list_specs import Asked, run_list
        from chant_tasks.doit_plugin.screens.terminal import until_closed

        self._add_dodo_problems(session)
        asked = Asked(
            subtasks=subtasks,
            quiet=quiet,
            status=status,
            private=private,
            list_deps=list_deps,
            template=template,
            sort=sort,
            names=pos_args or (),
            states=spec_state,
            labels=spec_label,
            is_json=spec_json,
            is_config=spec_config,
        )
        with until_closed(self.outstream):
            return run_list(self, session.overview, asked)
        return 0

    def _add_dodo_problems(self, session: Session) -> None:
        """Learn which specs a run would refuse: none, where all of them are done."""
        if session.overview is not None and session.overview.asked_ids:
            from chant_tasks.doit_plugin.dodo_problems import find_dodo_problems

            session.add_problems(find_dodo_problems(session.overview, self.task_list, Path.cwd()))

    def _list_alone(self, options: tuple[Any, ...]) -> int:
        """The exit status of a list as doit makes it: there are no specs, or nobody can tell what they are."""
        session = self.session
        if session is not None and session.has_specs:
            from chant_tasks.doit_plugin.screens.terminal import write_story

            super()._execute(*options)
            write_story(self.outstream, [f"chant_tasks: {session.problem}"])
            return 1
        self.open_database()
        if session is not None and session.overview is not None:
            self.task_list = self.find_others()  # without specs their group says nothing
        return int(super()._execute(*options) or 0)
