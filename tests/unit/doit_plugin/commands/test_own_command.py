"""What our own commands share."""

from pathlib import Path

import pytest

from chant_tasks.doit_plugin.commands.own_command import find_all_arguments, find_short_path, plan_option, render_path


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        (["k2p", "--why"], ["spec-reject", "k2p", "--why", "a = b"]),
        ([], ["spec-add", "a=b"]),
        (["--label=x=y", "t"], ["spec-add", "--label=x=y", "t"]),
        (["spec-add", "--x"], ["spec-add", "spec-add", "--x", "y=z"]),
    ],
)
def test_arguments_that_doit_took_for_variables_come_back_in_their_places(given: list[str], typed: list[str]) -> None:
    assert find_all_arguments(given, typed[0], ["/bin/doit", *typed]) == typed[1:]


def test_where_the_command_line_is_another_one_the_arguments_stay() -> None:
    assert find_all_arguments(["k2p"], "spec-add", ["pytest", "-q"]) == ["k2p"]
    assert find_all_arguments(["k2p"], "spec-add", ["doit", "spec-add", "other"]) == ["k2p"]


def test_an_option_is_absent_by_default_and_its_name_is_our_own() -> None:
    assert plan_option("depends-on", list, "wait") == {
        "name": "spec_depends_on",
        "short": "",
        "long": "depends-on",
        "type": list,
        "default": [],
        "help": "wait",
    }


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/home/me/project", ".chant/specs/a b.md"),
        ("/home/me/project/src", "../.chant/specs/a b.md"),
        ("/var/lib/elsewhere/deep/down", "/home/me/project/.chant/specs/a b.md"),
    ],
)
def test_a_path_can_be_typed_where_one_is(folder: str, shown: str) -> None:
    path = Path("/home/me/project/.chant/specs/a b.md")

    assert find_short_path(path, Path(folder)) == shown
    assert render_path(path, Path(folder)) == f"'{shown}'"
