"""A graph of 200 specs, worked eight at a time."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.sandbox import Ran, Sandbox
from tests.e2e.sights import (
    TICK_ALL,
    end,
    find_leftovers,
    find_user_changes,
    lines_of,
    load_landings,
    load_states,
    remove_database,
)

_LAYERS = 10
_WIDTH = 20


def _plan_graph(seed: int) -> Mapping[str, Sequence[str]]:
    """What each spec depends on: up to three of the layer before it, and now and then one from far back."""
    choose = random.Random(seed)
    layers = [[f"2026-03-{layer + 1:02}-{place:03}-n{place:02}" for place in range(_WIDTH)] for layer in range(_LAYERS)]
    graph: dict[str, Sequence[str]] = dict.fromkeys(layers[0], ())
    for number, layer in enumerate(layers[1:], 1):
        earlier = [spec_id for before in layers[:number] for spec_id in before]
        for spec_id in layer:
            near = choose.sample(layers[number - 1], choose.randint(0, 3))
            far = choose.sample(earlier, 1) if choose.random() < 0.2 else []
            graph[spec_id] = tuple(dict.fromkeys([*near, *far]))
    return graph


def _add_specs(sandbox: Sandbox, graph: Mapping[str, Sequence[str]]) -> None:
    """Each agent insists on the files of its spec's dependencies, and counts itself outside."""
    for spec_id, needs in graph.items():
        checks = "".join(f"test -f work/{need}\n" for need in needs)
        script = f"{checks}echo {spec_id} >> {sandbox.outside}/count\nmkdir -p work\n: > work/{spec_id}\n{TICK_ALL}"
        sandbox.add_spec(spec_id, [f"depends_on: [{', '.join(needs)}]"], run=script)
    sandbox.commit()


Worked = tuple[Sandbox, Ran, Mapping[str, Sequence[str]]]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """The graph, worked to its end; tests only look at it, or run doit where it has nothing to do."""
    sandbox = Sandbox(tmp_path_factory.mktemp("graph"))
    graph = _plan_graph(seed=471)
    _add_specs(sandbox, graph)
    return sandbox, end(sandbox.start("-n", "8"), seconds=300), graph


def test_every_spec_is_completed(worked: Worked) -> None:
    sandbox, ran, graph = worked

    assert ran.status == 0, ran.text
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith("200 succeeded in ")
    assert load_states(sandbox) == dict.fromkeys(graph, "completed")


def test_every_agent_ran_once_and_saw_the_work_of_its_dependencies(worked: Worked) -> None:
    """The agents themselves insist on their dependencies' files; here the order is looked at, too."""
    sandbox, _, graph = worked
    order = {spec_id: place for place, spec_id in enumerate(lines_of(sandbox.outside / "count"))}

    assert len(lines_of(sandbox.outside / "count")) == len(graph)
    assert [(spec_id, need) for spec_id, needs in graph.items() for need in needs if order[need] > order[spec_id]] == []


def test_the_target_has_one_landing_for_each_spec(worked: Worked) -> None:
    """Each landing has the one before it as its first parent, and the spec's own commit as its second."""
    sandbox, _, graph = worked

    first_parents = sandbox.git("log", "--first-parent", "--format=%s", "main").splitlines()

    assert sorted(load_landings(sandbox)) == sorted(f"chant({spec_id}): Work {spec_id}" for spec_id in graph)
    assert first_parents[-2:] == ["specs", "start"]
    assert len(first_parents) == len(graph) + 2
    assert sandbox.git("rev-list", "--count", "main") == str(2 * len(graph) + 2)


def test_nothing_is_left_behind(worked: Worked) -> None:
    sandbox, _, _ = worked

    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""
    assert sandbox.git("fsck", "--connectivity-only", "--no-dangling") == ""


def test_a_second_run_does_nothing(worked: Worked) -> None:
    sandbox, _, graph = worked

    again = sandbox.doit("-n", "8")
    remove_database(sandbox)
    without_database = sandbox.doit("-n", "8")

    assert (again.status, again.text) == (0, "200 up to date\n")
    assert (without_database.status, without_database.text) == (0, "200 up to date\n")
    assert len(lines_of(sandbox.outside / "count")) == len(graph)


def test_a_fresh_clone_has_nothing_to_do(worked: Worked, tmp_path: Path) -> None:
    sandbox, _, graph = worked
    clone = Sandbox(tmp_path, clone_of=sandbox.root)

    ran = clone.doit("-n", "8")

    assert (ran.status, ran.text) == (0, "200 up to date\n")
    assert load_states(clone) == dict.fromkeys(graph, "completed")
    assert len(lines_of(sandbox.outside / "count")) == len(graph)
