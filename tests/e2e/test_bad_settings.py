"""Settings and prompts that cannot be read: said with file and line, nothing is worked, all other tasks run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Repository, make_repository

A = "2026-01-24-001-aaa"
Damage = Callable[[Path], object]

SETTINGS: dict[str, tuple[Damage, str]] = {
    "deep": (lambda path: path.write_text(f"---\nwatch: {'[' * 100_000}\n---\n"), ":2: YAML: nested more than 50 deep"),
    "folder": (lambda path: path.mkdir(), ": is no regular file"),
    "long": (lambda path: path.write_text("---\n---\n" + "x" * (1 << 20)), ": has 1,048,584 bytes"),
    "loop": (lambda path: path.symlink_to(path), ": cannot be read: Too many levels of symbolic links"),
    "nul": (lambda path: path.write_text("---\ncriteria: wa\0rn\n---\n"), ":2: YAML: control characters are not"),
    "pipe": (lambda path: os.mkfifo(path), ": is no regular file"),
    "typo": (
        lambda path: path.write_text("---\ntimeout: 5\n---\n"),
        ":2: unknown key `timeout` (did you mean `timeouts`?)",
    ),
    "utf16": (lambda path: path.write_bytes("---\n".encode("utf-16")), ": this is not UTF-8 text"),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "project", DODO + BUILD)
    made.add_spec(A, run="touch worked")
    made.commit()
    return made


def see(repository: Repository, said: str) -> None:
    """Every command says it in one line, and none changes or works anything."""
    for arguments, status in (
        (("list",), 0),
        (("list", "--config"), 1),
        (("spec-lint",), 1),
        (("-n", "2"), 1),
        (("aaa",), 1),
    ):
        done = repository.doit(*arguments)
        heard = done.stdout + done.stderr
        assert done.status == status, (arguments, heard)
        assert sum(said.partition(": ")[2] in line for line in heard.splitlines()) == 1, (arguments, heard)
        assert "Traceback" not in heard
    assert repository.doit("build").status == 0
    assert not (repository.folder / "worked").exists()


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_config_that_cannot_be_read_starts_no_spec(repository: Repository, kind: str) -> None:
    damage, said = SETTINGS[kind]
    damage(repository.folder / ".chant" / "config.md")

    assert f".chant/config.md{said}" in repository.doit("list").stderr
    see(repository, f".chant/config.md{said}")


def test_the_users_own_settings_are_named_by_their_path(repository: Repository) -> None:
    own = repository.folder.parent / "home" / ".config" / "chant"
    own.mkdir(parents=True)
    (own / "config.md").write_text("---\ncriteria: maybe\n---\n")

    assert f"{own}/config.md:2: `criteria` must be one of" in repository.doit("list").stderr
    see(repository, f"{own}/config.md:2: `criteria` must be one of require, warn, ignore, not `maybe`")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: os.mkfifo(path), "is no regular file"),
        (lambda path: path.mkdir(), "is no regular file"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.write_bytes(b"\xff"), "cannot be read: not UTF-8 text"),
        (lambda path: path.write_bytes(b"a\0b"), "cannot be read: it holds a NUL byte"),
        (lambda path: path.write_bytes(b"x" * ((1 << 20) + 1)), "has 1,048,577 bytes; 1,048,576 are read at most"),
        (lambda path: path.write_text("{{spec.idd}}"), "unknown variable `spec.idd` (did you mean `spec.id`?)"),
        (Path.exists, "there is no prompt `mine`"),
    ],
    ids=["pipe", "folder", "loop", "bytes", "nul", "long", "variable", "missing"],
)
def test_a_prompt_that_cannot_be_made_fails_its_spec_before_an_agent_starts(
    repository: Repository, damage: Damage, said: str
) -> None:
    (repository.folder / ".chant" / "prompts").mkdir()
    damage(repository.folder / ".chant" / "prompts" / "mine.md")
    repository.add_spec(A, frontmatter="prompt: mine\n", run="touch worked")
    repository.commit()

    lint, run = repository.doit("spec-lint"), repository.doit("-n", "2")

    assert (lint.status, run.status) == (1, 1)
    assert said in lint.stdout
    assert said in run.stderr
    assert "Traceback" not in lint.stderr + run.stderr
    assert "agent     script" not in run.stderr
    assert repository.git("branch", "--list", "spec/*") == ""
