"""Which version a program told is kept for as long as it is the same program."""

import os
from pathlib import Path

from chant_tasks.journal.versions import load_program, load_versions, save_version


def test_a_version_is_known_until_the_program_changes(tmp_path: Path) -> None:
    program, link = tmp_path / "claude-1", tmp_path / "claude"
    program.write_text("one")
    link.symlink_to(program)
    before = load_program(link)
    save_version(tmp_path, before, "2.1.197")
    save_version(tmp_path, load_program(tmp_path / "versions.json"), "9")

    assert before == load_program(program)
    assert load_versions(tmp_path)[before] == "2.1.197"

    os.utime(program, ns=(0, 1))
    updated = load_program(link)
    assert updated not in load_versions(tmp_path)
    save_version(tmp_path, updated, "2.1.329")

    assert set(load_versions(tmp_path).values()) == {"2.1.329", "9"}


def test_a_damaged_file_knows_nothing_and_is_replaced(tmp_path: Path) -> None:
    program = load_program(tmp_path)
    for damaged in (b"", b"{", b"[]", b'{"a": 1}', b'{"a": {"size": "x"}}', b"\xff"):
        (tmp_path / "versions.json").write_bytes(damaged)
        assert load_versions(tmp_path) == {}

    save_version(tmp_path, program, "1.2")

    assert load_versions(tmp_path) == {program: "1.2"}
