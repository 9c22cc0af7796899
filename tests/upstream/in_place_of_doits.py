"""A pytest plugin for doit's own test suite: where its tests take a command of doit's, they get our version of it."""

import sys
from importlib.metadata import entry_points
from types import ModuleType

import doit.doit_cmd
from doit.doit_cmd import DoitMain


def pytest_collection_finish() -> None:
    """Put our commands into the modules of the tests, and into doit's list of commands."""
    own = {point.name: point.load() for point in entry_points(group="doit.COMMAND")}
    replaced = {command: own[command.get_name()] for command in DoitMain.DOIT_CMDS if command.get_name() in own}
    assert replaced, "none of doit's commands is ours: is chant_tasks installed?"
    tests = [module for name, module in sys.modules.items() if name.startswith(("tests.", "test_"))]
    for module in (doit.doit_cmd, *tests):
        _replace(module, replaced)
    DoitMain.DOIT_CMDS = tuple(replaced.get(command, command) for command in DoitMain.DOIT_CMDS)


def _replace(module: ModuleType, replaced: dict[type, type]) -> None:
    # not in the module that defines a command: there its own methods look it up, for `super`
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and value in replaced:
            setattr(module, name, replaced[value])
