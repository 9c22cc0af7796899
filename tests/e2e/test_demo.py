"""`doit spec-demo`: eight specs in a small repository, worked before one's eyes."""

from pathlib import Path

from tests.e2e.repository import Repository, make_repository


def make_caller(tmp_path: Path) -> Repository:
    """Somebody without any git identity, in a folder of another project."""
    repository = make_repository(tmp_path / "elsewhere")
    repository.git("config", "--unset", "user.name")
    repository.git("config", "--unset", "user.email")
    return repository


def test_eight_specs_are_worked_without_an_agent(tmp_path: Path) -> None:
    caller = make_caller(tmp_path)

    done = caller.doit("spec-demo", "--dir", str(tmp_path / "demo"))

    assert done.status == 0, done.stderr
    assert "8 succeeded" in done.stderr
    assert [line for line in done.lines if line.startswith("$")] == [
        "$ doit list",
        "$ doit -n 4",
        "$ doit list",
        "$ git log --oneline --graph",
    ]
    demo = Repository(tmp_path / "demo")
    assert demo.doit("list").stderr.splitlines()[-1] == "8 specs: 8 completed"
    assert demo.shell("sh greet.sh").lines == ["Good morning", "Bonjour", "Ohayou"]
    assert demo.git("status", "--short") == ""
    assert demo.git("branch", "--format=%(refname:short)") == "main"
    assert len(demo.git("worktree", "list").splitlines()) == 1


def test_what_it_says_at_its_end_works(tmp_path: Path) -> None:
    caller = make_caller(tmp_path)
    caller.doit("spec-demo", "--dir", str(tmp_path / "demo"))

    demo = Repository(tmp_path / "demo")

    assert demo.shell("doit info 004-all").status == 0
    again = demo.shell("doit forget 006-lic && doit -n 4")
    assert again.status == 0, again.stderr
    assert "1 succeeded" in again.stderr


def test_a_folder_that_is_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    caller = make_caller(tmp_path)

    done = caller.doit("spec-demo", "--dir", str(caller.folder))

    assert done.status == 3
    assert "is not empty" in done.stderr
    assert caller.git("log", "--format=%s") == "start"


def test_without_a_folder_it_makes_a_temporary_one(tmp_path: Path) -> None:
    caller = make_caller(tmp_path)

    done = caller.doit("spec-demo", env={"CHANT_SPEC_ID": "x", "GIT_DIR": "/nowhere", "CHANT_DOIT": "off"})

    assert done.status == 0, done.stderr
    assert [path.name[:11] for path in (tmp_path / "tmp").glob("chant-demo-*")] == ["chant-demo-"]


def test_two_demos_at_once_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    caller = make_caller(tmp_path)

    done = caller.shell("doit spec-demo --dir ../one & doit spec-demo --dir ../two; one=$?; wait $! && exit $one")

    assert done.status == 0, done.stderr
    assert done.stderr.count("8 succeeded") == 2
