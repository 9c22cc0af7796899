"""Every kind of file that can lie in a spec's place, in one repository: each is told in a line, and stops no other."""

import os
from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Repository, make_repository

GOOD = "2026-01-24-001-aaa"
_LETTERS = "abcdefgh"


def write_head(head: str) -> bytes:
    return f"---\nstatus: pending\n{head}\n---\n# Title\n".encode()


def write_bomb() -> bytes:
    lines = [
        f"{letter}: &{letter} [{', '.join(['*' + _LETTERS[n - 1] if n else 'x'] * 10)}]"
        for n, letter in enumerate(_LETTERS)
    ]
    return write_head("\n".join(lines))


FILES = {
    "bomb": (write_bomb(), ":7: YAML: expands to more than 100000 values"),
    "bytes": (b"---\nstatus: pending\n---\n# \xff\n", ":4: not UTF-8: byte 0xff"),
    "deep": (write_head("k: " + "[" * 100_000 + "]" * 100_000), ":3: YAML: nested more than 50 deep"),
    "long": (write_head("") + b"- [ ] do it\n" * 1_700_000, ": has 20,400,033 bytes; 1,048,576 are read at most"),
    "nul": (b"---\nstatus: pending\n---\n# a\0b\n", ":4: holds a NUL byte, which no text does"),
    "open": (b"---\nstatus: pending\n# Title\n", ":1: the frontmatter that begins here has no closing `---`"),
    "status": (write_head("").replace(b"pending", b"yes"), ":2: unknown status `yes` (known are pending, in_progress,"),
    "tab": (write_head("labels:\n\t- a"), ":4: YAML: a tab, where YAML takes spaces only"),
    "twice": (write_head("labels: [a]\nlabels: [b]"), ":4: YAML: the key `labels` is there twice"),
    "utf16": ("---\nstatus: pending\n---\n".encode("utf-16"), ":1: UTF-16, not UTF-8"),
    "utf16-bare": ("---\nstatus: pending\n---\n".encode("utf-16-le"), ":1: UTF-16, not UTF-8"),
    "wrong-kind": (write_head("labels: {a: b}"), ":3: `labels` must be a list of texts, not keys with values"),
}
NAMES = {
    "a=b": "its name holds `=`, which doit cannot have in a task's name: rename its file",
    "a*b": "its name holds `*`, which doit cannot have in a task's name: rename its file",
    "-x": "its name begins with `-`, which doit takes for an option: rename its file",
    "--all": "its name begins with `-`, which doit takes for an option: rename its file",
    "a b": "git cannot have a branch named spec/a b: rename its file",
    "a..b": "git cannot have a branch named spec/a..b: rename its file",
    "specs": "its name is that of the group of all specs, `specs`: rename its file",
    "list": "its name is that of the command `doit list`: rename its file",
    "build": "its name is also that of a task in the dodo: rename one of them",
    "n" * 151: "its name has 151 bytes, more than 150",
}
SPECIAL = {
    "device": "is a link, and git has no text of it",
    "folder": "is no regular file",
    "gone": "is a link, and git has no text of it",
    "loop": "is a link, and git has no text of it",
    "outside": "is a link, and git has no text of it",
    "pipe": "is no regular file",
}


def add_special(specs: Path, outside: Path) -> None:
    outside.write_bytes(write_head("run: touch worked"))
    (specs / "folder.md").mkdir()
    os.mkfifo(specs / "pipe.md")
    for name, leads_to in (
        ("device", "/dev/zero"),
        ("gone", "nowhere"),
        ("loop", "loop.md"),
        ("outside", str(outside)),
    ):
        (specs / f"{name}.md").symlink_to(leads_to)


def snapshot(specs: Path) -> dict[str, object]:
    return {
        path.name: path.read_bytes() if path.is_file() and not path.is_symlink() else None for path in specs.iterdir()
    }


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path / "project", DODO + BUILD)
    made.add_spec(GOOD, run="echo a > a.txt")
    made.commit()
    specs = made.folder / ".chant" / "specs"
    for name, (data, _) in FILES.items():
        (specs / f"{name}.md").write_bytes(data)
    for name in NAMES:
        (specs / f"{name}.md").write_bytes(write_head("run: touch worked"))
    (specs / "line\nbreak.md").write_bytes(write_head("run: touch worked"))
    (Path(os.fsdecode(bytes(specs) + b"/no\xffname.md"))).write_bytes(write_head("run: touch worked"))
    add_special(specs, tmp_path / "outside.md")
    return made


def test_each_is_told_in_a_line_nothing_else_stops_and_no_file_changes(repository: Repository) -> None:
    specs = repository.folder / ".chant" / "specs"
    before = snapshot(specs)

    listed = repository.doit("list")
    rows = {line.split("   ")[0]: line for line in listed.lines}
    for name, (_, reason) in FILES.items():
        assert f".chant/specs/{name}.md{reason}" in rows[name], name
    for name, reason in (NAMES | SPECIAL).items():
        assert "✗ broken" in listed.stdout
        assert any(line.startswith(name) and reason in line for line in listed.lines), name
    assert "line\\nbreak" in rows
    assert "no\\udcffname" in rows

    for arguments in (("list", "--json"), ("list", "-s"), ("build",), ("info", GOOD), ("spec-attempts",), ("clean",)):
        done = repository.doit(*arguments)
        assert (done.status, "Traceback" in done.stderr) == (0, False), (arguments, done.stderr)
    assert snapshot(specs) == before


def test_a_run_works_the_others_and_fails_each_of_these_with_its_reason(repository: Repository) -> None:
    specs = repository.folder / ".chant" / "specs"
    before = snapshot(specs)

    done = repository.doit("-n", "2")
    after = snapshot(specs)

    assert done.status == 1
    assert f"1 succeeded, {len(FILES) + len(NAMES) + len(SPECIAL) + 2} broken" in done.stderr
    assert "Traceback" not in done.stderr
    for reason in (*(reason for _, reason in FILES.values()), *NAMES.values(), *SPECIAL.values()):
        assert reason in done.stderr, reason
    assert "its name holds what cannot be printed" in done.stderr
    assert (repository.folder / "a.txt").is_file()
    assert not (repository.folder / "worked").exists()
    assert {name for name in before if before[name] != after[name]} == {f"{GOOD}.md"}


def test_lint_names_each_once_with_its_line(repository: Repository) -> None:
    done = repository.doit("spec-lint")
    errors = [line for line in done.lines if ": error: " in line]

    assert done.status == 1
    assert len(errors) == len(FILES) + len(NAMES) + len(SPECIAL) + 2 - 1  # `build`, for it does not read the dodo
    assert ".chant/specs/bomb.md:7: error: YAML: expands to more than 100000 values" in errors


@pytest.mark.parametrize(
    "command", [("spec-cancel",), ("spec-approve", "--by", "Ann"), ("spec-reject", "--by", "Ann", "--why", "no")]
)
@pytest.mark.parametrize("name", ["pipe", "outside", "nul", "folder"])
def test_commands_that_write_refuse_and_write_nothing(
    repository: Repository, command: tuple[str, ...], name: str
) -> None:
    specs, outside = repository.folder / ".chant" / "specs", repository.folder.parent / "outside.md"
    before = snapshot(specs), outside.read_bytes()

    done = repository.doit(*command, name)

    assert done.status == 1
    assert done.stderr.startswith(f"chant_tasks: .chant/specs/{name}.md")
    assert (snapshot(specs), outside.read_bytes()) == before


@pytest.mark.parametrize("linked", [".chant", ".chant/specs"])
def test_behind_a_linked_folder_no_agent_starts(tmp_path: Path, linked: str) -> None:
    repository = make_repository(tmp_path / "project", DODO + BUILD)
    repository.add_spec(GOOD, run="touch worked")
    (repository.folder / linked).rename(tmp_path / "elsewhere")
    (repository.folder / linked).symlink_to(tmp_path / "elsewhere")
    repository.commit()

    done = repository.doit("-n", "2")

    assert done.status == 1
    assert f"{linked}: is a link, behind which git sees no specs" in done.stderr
    assert repository.git("for-each-ref", "refs/heads/spec", "refs/chant") == ""
    assert repository.doit("build").status == 0


def test_what_is_no_folder_of_specs_is_not_taken_for_none(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "project", DODO + BUILD)
    repository.write(".chant/specs", "not a folder")

    listed, run = repository.doit("list"), repository.doit()

    assert (listed.status, run.status) == (1, 1)
    assert "cannot be read: Not a directory" in listed.stderr
    assert "cannot be read: Not a directory" in run.stdout
    assert repository.doit("build").status == 0
