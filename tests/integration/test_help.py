"""`-h` and `--help`, which new users type before they know that doit has `doit help COMMAND`."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from doit.cmd_base import DodoTaskLoader
from doit.plugin import PluginDict

from chant_tasks.doit_plugin.commands.own_command import OwnCommand

COMMANDS = [point for point in entry_points(group="doit.COMMAND") if point.value.startswith("chant_tasks.")]


@pytest.mark.parametrize("point", COMMANDS, ids=lambda point: str(point.name))
def test_every_command_tells_its_help(point: Any, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    (tmp_path / ".chant" / "specs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    kind = point.load()
    command = kind() if issubclass(kind, OwnCommand) else kind(task_loader=DodoTaskLoader(), cmds=PluginDict())

    assert command.parse_execute(["--help"]) == 0
    assert capsys.readouterr().out == f"{command.help()}\n"
