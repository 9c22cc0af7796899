"""`doit run`, and so plain `doit`: what doit does, and specs beside it.

Without specs in the dodo nothing here changes anything. All imports that read specs wait until there are some.
"""

import functools
import inspect
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import doit.cmd_help
import doit.cmd_run
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.command_line import (
    find_option_problem,
    has_specs_nearby,
    is_help_asked,
    print_help,
)
from chant_tasks.doit_plugin.commands.interrupt import end_interrupted
from chant_tasks.doit_plugin.session import Session, is_switched_off, open_session, without_collections
from chant_tasks.doit_plugin.standard_streams import open_standard_streams

if TYPE_CHECKING:
    from chant_tasks.overview import Overview
    from chant_tasks.spec.model import SpecId


class Run(doit.cmd_run.Run):  # type: ignore[misc]  # doit ships no types
    """doit's command, which also works specs."""

    name = "run"
    doc_purpose = doit.cmd_run.Run.doc_purpose
    _session: Session | None = None
    _params: Any = None
    resumed: "frozenset[SpecId]" = frozenset()  # those that are to go on from what is kept, though they failed
    task_list: list[Any]
    sel_tasks: list[str] | None
    dep_manager: Any = None
    _backends: Any

    def __init__(self, *positional: Any, cmds: Any = None, **named: Any) -> None:
        super().__init__(*positional, cmds=cmds, **named)
        self._commands = cmds

    def parse_execute(self, in_args: list[str]) -> int:
        """Run with these arguments; the exit status. Raises InvalidCommand for options that there are not."""
        if not is_switched_off(os.environ) and has_specs_nearby(self.opt_vals):
            if is_help_asked(self.name, in_args, self.cmdparser):
                return self._print_help(in_args)
            problem = find_option_problem(self.name, in_args, self.cmdparser)
            if problem:
                raise InvalidCommand(problem)
        return int(super().parse_execute(in_args) or 0)

    def _print_help(self, arguments: Sequence[str]) -> int:
        """The help of `doit run`; all commands for a `doit -h`, as doit itself has them for `doit --help`."""
        if self._commands is not None and sys.argv[1:] == list(arguments):
            from chant_tasks.doit_plugin.screens.terminal import until_closed

            with until_closed(sys.stdout):
                doit.cmd_help.Help.print_usage(self, self._commands.to_dict())
            return 0
        return print_help(self.help())

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the tasks; the exit status."""
        if is_switched_off(os.environ):
            return int(super().execute(params, args) or 0)
        from chant_tasks.doit_plugin.database import LazyDatabase

        is_beside_specs = has_specs_nearby(params)
        if is_beside_specs:
            open_standard_streams()
        with open_session() as session:
            self._session, self._params = session, params
            session.leaves_out_settled = True
            if is_beside_specs:
                session.loading.enter_context(without_collections())
            if self.dep_manager is None:  # whether a broken one is our affair is known once the dodo was read
                self.dep_manager = LazyDatabase(self, params)
            try:
                with session.loading:
                    return int(super().execute(params, args) or 0)
            except KeyboardInterrupt:
                if not has_specs_nearby(params):
                    raise
                return end_interrupted()
            finally:
                if session.has_specs:
                    _leave_quietly()

    @functools.wraps(doit.cmd_run.Run._execute)  # doit picks the options by the signature
    def _execute(self, *positional: Any, **named: Any) -> int:
        from chant_tasks.doit_plugin.database import open_database

        open_database(self)
        session = self._session
        if session is None or not session.has_specs:
            _end_loading(session)
            return int(super()._execute(*positional, **named))
        options = _bind_options(positional, named)
        if session.overview is None:
            return self._run_without_overview(options)
        return self._run_specs(session, options)

    def _run_without_overview(self, options: dict[str, Any]) -> int:
        """Specs that cannot be looked at are one task that fails with the reason."""
        self._set_own(options)
        return int(super()._execute(**options))

    def _run_specs(self, session: Session, options: dict[str, Any]) -> int:
        from chant_tasks.doit_plugin.run.signals import find_status, interruptible
        from chant_tasks.doit_plugin.run.work import Work
        from chant_tasks.doit_plugin.screens.fit import fit_tasks
        from chant_tasks.doit_plugin.selection import refuse_variables, select

        assert session.overview is not None
        needed = self._find_needed(session.overview, options)
        self.task_list = fit_tasks(session, self.task_list, Path.cwd(), needed)
        overview = session.overview
        refuse_variables(overview)
        work = session.work = Work(overview)
        self.sel_tasks, work.named = select(self.sel_tasks, self.task_list, overview)
        work.resumed = self.resumed
        work.is_always, work.is_single = options["always"], options["single"]
        work.slots = max(0, options["num_process"])
        self._set_defaults(options)
        self._choose_reporter(session, options)
        try:
            with (
                interruptible(work.stop, work.tell_stop, work.find_last_words),
                _own_runners(self.dep_manager, work.waiting),
            ):
                return int(super()._execute(**options))
        except Exception:
            if find_status() is None:
                raise
            raise KeyboardInterrupt from None  # doit's JSON reporter breaks on what was not finished

    def _find_needed(self, overview: "Overview", options: Mapping[str, Any]) -> "AbstractSet[SpecId]":
        """The settled specs that doit needs a task for: all where a reporter that is none of ours tells of each, or
        where each is to be executed."""
        from chant_tasks.doit_plugin.settled import find_named

        if options["always"] or options["reporter"] not in ("console", "executed-only"):
            return overview.settled
        return find_named(overview, self.task_list, self.sel_tasks or (), Path.cwd())

    def _set_own(self, options: dict[str, Any]) -> None:
        if not self._is_set("continue"):
            options["continue_"] = True
        if not self._is_set("par_type"):
            options["par_type"] = "thread"

    def _set_defaults(self, options: dict[str, Any]) -> None:
        """Ours where nobody has said anything: go on after a failure, and threads."""
        assert self._session is not None
        assert self._session.work is not None
        self._set_own(options)
        self._session.work.refuses_processes = options["par_type"] == "process" and options["num_process"] > 0

    def _choose_reporter(self, session: Session, options: dict[str, Any]) -> None:
        assert session.work is not None
        from chant_tasks.doit_plugin.screens.reporter import ExecutedOnlySpecReporter, SpecReporter

        own = {"console": SpecReporter, "executed-only": ExecutedOnlySpecReporter}
        asked = options["reporter"]
        if isinstance(asked, str) and asked in own:
            options["reporter"] = own[asked]
        else:
            session.work.is_foreign_reporter = True

    def _is_set(self, name: str) -> bool:
        """Whether somebody chose this option: on the command line, by a variable, in a file, or in the dodo."""
        in_dodo: Mapping[str, object] = self.loader.load_doit_config()
        return name in self._params._non_default_keys or name in self.config_vals or name in in_dodo


def _end_loading(session: Session | None) -> None:
    if session is not None:
        session.loading.close()


def _leave_quietly() -> None:
    from chant_tasks.doit_plugin.run.signals import leave_quietly

    leave_quietly()


def _bind_options(positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """All options of doit's `run` by name."""
    bound = inspect.signature(doit.cmd_run.Run._execute).bind(None, *positional, **named)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


@contextmanager
def _own_runners(manager: Any, waiting: set[str]) -> Iterator[None]:
    """Within the block doit's `run` takes our runners, and ignores the tasks named in `waiting`."""
    from chant_tasks.doit_plugin.run import control, runner, threads

    own = {
        "TaskControl": control.SpecControl,
        "Runner": runner.SpecRunner,
        "MRunner": runner.SpecProcessRunner,
        "MThreadRunner": threads.SpecThreadRunner,
    }
    before = {name: getattr(doit.cmd_run, name) for name in own}
    is_ignored = manager.status_is_ignore
    manager.status_is_ignore = lambda task: task.name in waiting or is_ignored(task)
    for name, kind in own.items():
        setattr(doit.cmd_run, name, kind)
    try:
        yield
    finally:
        for name, kind in before.items():
            setattr(doit.cmd_run, name, kind)
