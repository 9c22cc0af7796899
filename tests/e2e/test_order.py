"""Which of several ready specs a run begins first."""

from pathlib import Path

from tests.e2e.repository import Repository, make_repository

BUILD = "2026-01-24-004-ddd"
DODO = f'''from chant_tasks import task_specs

def task_build():
    return {{"actions": ["echo build >> ../order"], "task_dep": ["{BUILD}"]}}
'''


def _make(tmp_path: Path) -> Repository:
    """Three specs alone, one that a task of the dodo needs, and a fifth that needs this task."""
    made = make_repository(tmp_path / "project", DODO)
    heads = {"001-aaa": "", "002-bbb": "", "003-ccc": "estimate: 2h\n", "004-ddd": "", "005-eee": "task_dep: [build]\n"}
    for name, head in heads.items():
        estimate = "" if "estimate" in head else "estimate: 30m\n"
        run = f"echo {name} >> '{tmp_path}/order'; echo x > {name}.txt"
        made.add_spec(f"2026-01-24-{name}", name, head + estimate, run=run)
    made.commit("specs")
    return made


def _order(repository: Repository) -> list[str]:
    return (repository.folder.parent / "order").read_text().split()


def test_with_places_the_longest_work_comes_first_and_what_others_wait_for_after_it(tmp_path: Path) -> None:
    repository = _make(tmp_path)

    done = repository.doit("-n", "2")

    assert done.status == 0, done.stderr
    order = _order(repository)
    assert set(order[:2]) == {"003-ccc", "004-ddd"}  # two hours alone, and half an hour with as much behind it
    assert order.index("build") < order.index("005-eee")


def test_one_after_the_other_they_come_as_doit_has_them(tmp_path: Path) -> None:
    repository = _make(tmp_path)

    done = repository.doit("run", "-n", "1")

    assert done.status == 0, done.stderr
    assert [name for name in _order(repository) if name != "build"] == [
        "004-ddd",
        "001-aaa",
        "002-bbb",
        "003-ccc",
        "005-eee",
    ]
