"""A graph of 80 specs, worked eight at a time."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.sandbox import Sandbox
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

_LAYERS = 8
_WIDTH = 10


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


def test_80_specs_are_worked_to_the_end_and_nothing_is_left_to_do(tmp_path: Path) -> None:
    """In one test, since what takes its time is the run. The agents themselves insist on their dependencies' files."""
    sandbox = Sandbox(tmp_path / "graph")
    graph = _plan_graph(seed=471)
    _add_specs(sandbox, graph)

    ran = end(sandbox.start("-n", "8"), seconds=400)

    assert ran.status == 0, ran.text
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith("80 succeeded in ")
    assert load_states(sandbox) == dict.fromkeys(graph, "completed")
    _assert_each_agent_ran_once_after_its_dependencies(sandbox, graph)
    _assert_one_landing_for_each(sandbox, graph)
    assert find_leftovers(sandbox) == []
    assert find_user_changes(sandbox) == ""
    assert sandbox.git("fsck", "--connectivity-only", "--no-dangling") == ""
    _assert_nothing_is_to_be_done(sandbox, Sandbox(tmp_path / "clone", clone_of=sandbox.root))
    assert len(lines_of(sandbox.outside / "count")) == len(graph)


def _assert_each_agent_ran_once_after_its_dependencies(sandbox: Sandbox, graph: Mapping[str, Sequence[str]]) -> None:
    order = {spec_id: place for place, spec_id in enumerate(lines_of(sandbox.outside / "count"))}
    too_early = [(spec_id, need) for spec_id, needs in graph.items() for need in needs if order[need] > order[spec_id]]
    assert len(lines_of(sandbox.outside / "count")) == len(graph)
    assert too_early == []


def _assert_one_landing_for_each(sandbox: Sandbox, graph: Mapping[str, Sequence[str]]) -> None:
    """Each landing has the one before it as its first parent, and the spec's own commit as its second."""
    first_parents = sandbox.git("log", "--first-parent", "--format=%s", "main").splitlines()
    assert sorted(load_landings(sandbox)) == sorted(f"chant({spec_id}): Work {spec_id}" for spec_id in graph)
    assert first_parents[-2:] == ["specs", "start"]
    assert len(first_parents) == len(graph) + 2
    assert sandbox.git("rev-list", "--count", "main") == str(2 * len(graph) + 2)


def _assert_nothing_is_to_be_done(sandbox: Sandbox, clone: Sandbox) -> None:
    """Neither at once, nor without doit's database, nor in a fresh clone."""
    runs = [sandbox.doit("-n", "8")]
    remove_database(sandbox)
    runs += [sandbox.doit("-n", "8"), clone.doit("-n", "8")]
    assert [(ran.status, ran.text) for ran in runs] == [(0, "80 up to date\n")] * 3
    assert set(load_states(clone).values()) == {"completed"}
