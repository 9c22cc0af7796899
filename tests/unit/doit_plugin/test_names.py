import pytest
from doit.exceptions import InvalidCommand
from doit.task import Task

from chant_tasks.doit_plugin.names import UnknownName, resolve_arguments, resolve_name
from chant_tasks.spec.model import SpecId

IDS = tuple(map(SpecId, ("2026-01-24-01x-v06", "2026-01-24-01x-v06.2", "2026-01-25-003-k2p", "2026-01-26-003-k2p")))


def resolve(*arguments: str) -> list[str]:
    model = {"name": "model", "long": "model", "short": "m", "type": str, "default": ""}
    tasks = [Task(name, None) for name in (*IDS, "specs", "build")]
    tasks.append(Task("tune", None, params=(model,)))
    tasks.append(Task("each", None, pos_arg="names"))
    return resolve_arguments(arguments, {task.name: task for task in tasks}, {"out.txt"}, IDS)


def test_a_whole_tail_is_the_id_and_a_known_name_is_itself() -> None:
    assert resolve("v06.2", "build", "v06", "out.txt") == [IDS[1], "build", IDS[0], "out.txt"]


def test_a_part_of_a_tail_means_nothing() -> None:
    assert resolve("06.2", "buil") == ["06.2", "buil"]


def test_patterns_stay() -> None:
    assert resolve("2026-01-24*", "v06*") == ["2026-01-24*", "v06*"]


def test_options_of_tasks_and_their_values_stay() -> None:
    assert resolve("tune", "--model", "v06", "v06") == ["tune", "--model", "v06", IDS[0]]
    assert resolve("each", "v06", "k2p") == ["each", "v06", "k2p"]


def test_a_tail_of_several_specs_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidCommand, match="`003-k2p` fits 2 specs: 2026-01-25-003-k2p, 2026-01-26-003-k2p"):
        resolve("003-k2p")


def test_an_exact_name_beats_a_tail() -> None:
    assert resolve_name("k2p", {"k2p"}, IDS) == "k2p"


def test_an_unknown_name_gets_doits_words_and_near_ones() -> None:
    error = UnknownName("buil", ("build",))

    assert 'Invalid parameter: "buil"' in str(error)
    assert str(error).endswith("Did you mean build?")
    assert "Did you mean" not in str(UnknownName("buil", ()))
