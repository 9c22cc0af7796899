"""`doit spec-doctor --agents`, as a person sees it."""

import json
import os
from pathlib import Path

import pytest

from tests.e2e.repository import DODO, Repository, make_repository
from tests.integration.stand_in import HELP, save_stand_in


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """No specs yet, and no settings."""
    made = make_repository(tmp_path / "project", DODO)
    made.write(".chant/specs/.keep", "")
    return made


def path_with(folder: Path) -> dict[str, str]:
    """Return a PATH with the stand-in, and with no other agent of this machine."""
    others = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "claude").exists()]
    return {"PATH": os.pathsep.join([str(folder), *others])}


def test_an_agent_that_works_is_said_to(repository: Repository, tmp_path: Path) -> None:
    save_stand_in(tmp_path)

    done = repository.doit("spec-doctor", "--agents", "claude", env={**path_with(tmp_path), "ANTHROPIC_API_KEY": "sk"})

    assert done.status == 0, done
    words = f"in use, {tmp_path}/claude, all 9 flags known, ANTHROPIC_API_KEY is set, answered on loopback"
    assert done.stdout == f"✓ claude 2.1.197, {words}\n"
    assert done.stderr.splitlines() == [
        "claude: asking for its version and its help",
        "claude: one call on loopback",
        "1 agent: 1 can be used, 0 cannot",
    ]


def test_one_that_specs_need_and_cannot_have_is_an_error_with_a_way_out(repository: Repository, tmp_path: Path) -> None:
    repository.write(".chant/config.md", "---\ndefaults:\n  provider: claude\n---\n")
    save_stand_in(tmp_path, help=HELP.replace("--resume", ""))

    done = repository.doit("spec-doctor", "--agents", "--json", "claude", env=path_with(tmp_path))

    assert done.status == 1
    (found,) = json.loads(done.stdout)
    assert (found["in_use"], found["usable"], found["missing_flags"]) == (True, False, ["--resume"])
    assert found["problems"][0] == {
        "level": "error",
        "reason": "its --help does not name what it is started with: --resume",
        "hint": "install it again (2.1.329 was tested): npm install -g @anthropic-ai/claude-code",
    }


def test_a_name_that_is_no_agents_is_refused_in_a_line(repository: Repository, tmp_path: Path) -> None:
    save_stand_in(tmp_path)

    done = repository.doit("spec-doctor", "--agents", "claud", env=path_with(tmp_path))

    assert done.status == 3
    assert "no agent `claud` is installed or set (did you mean `claude`?)" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_it_needs_no_specs(repository: Repository, tmp_path: Path) -> None:
    save_stand_in(tmp_path)
    bare = tmp_path / "bare"
    bare.mkdir()

    done = repository.doit("spec-doctor", "--agents", "claude", env=path_with(tmp_path), cwd=bare)

    assert done.status == 0, done
    assert "answered on loopback" in done.stdout


def test_agents_are_not_mended(repository: Repository) -> None:
    done = repository.doit("spec-doctor", "--agents", "--fix")

    assert done.status == 3
    assert "give one of them" in done.stderr + done.stdout
