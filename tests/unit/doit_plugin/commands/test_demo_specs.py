"""The demo's eight specs: a diamond, a driver with members, two labels, and shell scripts that need no agent."""

from datetime import date
from pathlib import Path

import pytest
from doit.exceptions import InvalidCommand

from chant_tasks.doit_plugin.commands.demo import add_folder, plan_demo_environment, render_end
from chant_tasks.doit_plugin.commands.demo_specs import plan_demo_files, plan_demo_specs, render_demo_spec
from chant_tasks.graph import GraphNode, plan_graph
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec

DAY = date(2026, 11, 21)


def load_all() -> list[Spec]:
    specs = []
    for demo in plan_demo_specs(DAY):
        spec = parse_spec(SpecId(demo.id), Path(f"{demo.id}.md"), render_demo_spec(demo).encode())
        assert spec is not None
        specs.append(spec)
    return specs


def test_there_are_eight_specs_with_two_labels_and_nothing_wrong() -> None:
    specs = load_all()

    assert len(specs) == 8
    assert {label for spec in specs for label in spec.labels} == {"code", "docs"}
    assert [spec.problem for spec in specs if spec.problem] == []
    assert [spec.id for spec in specs if not spec.run and not spec.is_driver_by_type] == []


def test_they_form_a_diamond_and_a_driver_with_two_members() -> None:
    nodes = [
        GraphNode(id=spec.id, depends_on=spec.depends_on, names_dependencies=spec.names_dependencies, type=spec.type)
        for spec in load_all()
    ]
    graph = plan_graph(nodes, frozenset(), frozenset())
    one, fra, jpn, every, doc = (f"2026-11-21-00{tail}" for tail in ("1-one", "2-fra", "3-jpn", "4-all", "5-doc"))

    assert graph.problems == {}
    assert {key: set(graph.needs.get(SpecId(key), ())) for key in (one, fra, jpn, every)} == {
        one: set(),
        fra: {one},
        jpn: {one},
        every: {fra, jpn},
    }
    assert graph.members == {doc: (f"{doc}.1", f"{doc}.2")}
    assert set(graph.needs[SpecId(f"{doc}.2")]) == {f"{doc}.1", every}


def test_ticking_boxes_leaves_the_scripts_as_they_are() -> None:
    files = plan_demo_files(DAY, "demo-1")

    assert sum(path.startswith(".chant/specs/") for path in files) == 8
    assert all("- [ ] " not in text.partition("\n---\n")[0] for text in files.values())


def test_nothing_of_the_callers_environment_leads_out_of_the_demo() -> None:
    environ = {
        "PATH": "/bin",
        "GIT_DIR": "/x",
        "CHANT_SPEC_ID": "a",
        "CHANT_DOIT": "off",
        "DOIT_FILE": "x",
        "LANG": "C",
    }

    assert plan_demo_environment(environ) == {"PATH": "/bin", "LANG": "C"}


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidCommand, match="is not empty"):
        add_folder(str(tmp_path))

    assert add_folder(str(tmp_path / "new" / "one")).is_dir()


def test_its_last_words_are_commands_to_type(tmp_path: Path) -> None:
    assert render_end(tmp_path, 0).splitlines() == [
        f"look around:  cd {tmp_path}  then  doit info 004-all,  git show,  sh greet.sh,  ls .chant/specs",
        "work one again:  doit forget 006-lic && doit -n 4",
    ]
    assert render_end(tmp_path, 1).startswith("the run ended with status 1")
