"""Options behind names, and where the dodo is."""

from pathlib import Path

import pytest
from doit.cmd_base import DodoTaskLoader
from doit.cmdparse import CmdParse
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.command_line import (
    find_dodo_options,
    has_specs_nearby,
    permute,
    require_folder,
)
from chant_tasks.doit_plugin.commands.list import List


@pytest.fixture
def parser() -> CmdParse:
    return List(task_loader=DodoTaskLoader()).cmdparser


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["v06", "--all"], ["--all", "--", "v06"]),
        (["-q", "v06", "build"], ["-q", "--", "v06", "build"]),
        (["v06", "--state", "ready", "--label=a b"], ["--state=ready", "--label=a b", "--", "v06"]),
        (["v06", "--template", ""], ["--template=", "--", "v06"]),
        (["v06", "-f", "other.py"], ["-f", "other.py", "--", "v06"]),
        (["--", "-odd", "--all"], ["--", "-odd", "--all"]),
        (["v06", "--nonsense"], ["v06", "--nonsense"]),
    ],
)
def test_options_may_stand_behind_names(parser: CmdParse, given: list[str], expected: list[str]) -> None:
    assert permute(given, parser) == expected


def test_doits_parser_reads_permuted_arguments(parser: CmdParse) -> None:
    options, names = parser.parse(permute(["v06", "--label", "a", "build", "--label", "b", "-q"], parser))

    assert (options["spec_label"], options["quiet"], names) == (["a", "b"], True, ["v06", "build"])


def test_a_lists_option_does_not_remember_an_earlier_command(parser: CmdParse) -> None:
    parser.parse(["--label", "a"])

    assert List(task_loader=DodoTaskLoader()).cmdparser.parse([])[0]["spec_label"] == []


def test_specs_are_looked_for_where_the_dodo_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with" / ".chant" / "specs").mkdir(parents=True)
    (tmp_path / "without" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "without")

    assert not has_specs_nearby({})
    assert has_specs_nearby({"dodoFile": "../with/dodo.py"})
    assert has_specs_nearby({"cwdPath": "../with", "dodoFile": "dodo.py"})


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ([], {}, ("dodo.py", None)),
        (["v06", "-f", "other/dodo.py", "--all"], {}, ("other/dodo.py", None)),
        (["v06", "--dir=sub"], {"DOIT_FILE": "its.py"}, ("its.py", "sub")),
        (["--file", "other.py"], {"DOIT_FILE": "its.py"}, ("other.py", None)),
    ],
)
def test_the_dodo_is_where_an_option_or_a_variable_says(
    parser: CmdParse, given: list[str], environ: dict[str, str], expected: tuple[str, str | None]
) -> None:
    found = find_dodo_options([*given, "--label", "a"], parser, environ)

    assert (found["dodoFile"], found["cwdPath"]) == expected
    assert parser.parse([])[0]["spec_label"] == []


def test_a_folder_that_was_removed_is_named_as_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "resolve"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(InvalidCommand, match="was removed: cd to your checkout"):
        require_folder()
