"""The tutorial is typed as it stands, and shows what it says that it shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.repository import Repository

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
SPECS = Path(".chant/specs")

# Of the two that change one line, the other lands first.
_AFTER_SHY = "until git show main:.chant/specs/2026-11-21-004-shy.md | grep -q 'status: completed'; do sleep 0.05; done"

# What differs from run to run, and what stands for it.
_CHANGING = (
    (r"\b\d\d:\d\d:\d\d\b|\b\d\d:\d\d\b", "TIME"),
    (r"\d{4}-\d\d-\d\dT\S+Z", "DATE"),
    (r"\d{4}-\d\d-\d\d-\w{3}-\w{3}(?=\.md \(an example\))", "EXAMPLE"),
    (r"\b[0-9a-f]{7,40}\b", "ID"),
    (r"\b\d+s\b", "SECONDS"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """An indented block of the tutorial, and the paragraph above it."""

    paragraph: str
    lines: tuple[str, ...]


def read_blocks(text: str) -> Iterator[Block]:
    """The blocks in their order; a paragraph without one comes as a block without lines."""
    paragraph, lines = "", []
    for part in re.split(r"\n\n(?=\S)", text):
        head, _, code = part.partition("\n\n    ")
        paragraph = head.replace("\n", " ")
        lines = [line.removeprefix("    ") for line in f"    {code}".splitlines()] if code else []
        yield Block(paragraph, tuple(lines))


class Reader:
    """Somebody who follows the tutorial."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.before, self.where = folder, folder, folder / "where"
        self.environment = Repository(folder / "repository").environment()
        identity = {f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self.environment |= identity | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    def follow(self, block: Block) -> None:
        """Do what the block and its paragraph say."""
        self._obey(block.paragraph)
        if block.lines and block.lines[0].startswith("$ "):
            for command, shown in split_commands(block.lines):
                self._type(command, shown)
        elif "below its `sed`" in block.paragraph:
            self._add_line(block.lines[0])
        elif block.lines:
            names = re.findall(r"`([^`]+\.(?:md|sh))`", block.paragraph)
            (self.folder / names[-1]).write_text("\n".join(block.lines) + "\n")

    def _obey(self, paragraph: str) -> None:
        removal = re.search(r"`(rm [^`]+)`", paragraph)
        if removal is not None:
            self._type(removal.group(1), ())
        if "the same with `HEY` in place of `Hi`" in paragraph:
            text = (self.folder / SPECS / "2026-11-21-004-shy.md").read_text()
            bold = text.replace("Hi", "HEY").replace("run: |\n", f"run: |\n  {_AFTER_SHY}\n")
            (self.folder / SPECS / "2026-11-21-005-bold.md").write_text(bold)
        if paragraph.startswith("Keep the line that you want"):
            (self.folder / "hello.sh").write_text('echo "HEY, ${1:-world}"\n')

    def _add_line(self, line: str) -> None:
        path = self.folder / SPECS / "2026-11-21-002-bye.md"
        path.write_text(re.sub(r"( *sed .*\n)", rf"\1{line}\n", path.read_text()))

    def _type(self, command: str, shown: tuple[str, ...]) -> None:
        temporary = self.environment["TMPDIR"]
        command = command.replace("/tmp/", f"{temporary}/")
        done = subprocess.run(
            ("sh", "-c", f"{command}\nstatus=$?\npwd > {self.where}\nexit $status"),
            cwd=self.folder,
            env=self.environment | {"OLDPWD": str(self.before)},
            capture_output=True,
            text=True,
            check=False,
        )
        if command.startswith(("mkdir", "cd ")):
            self.folder, self.before = Path(self.where.read_text().strip()), self.folder
        printed = (done.stdout + done.stderr).replace(f"{temporary}/", "/tmp/")

        assert "Traceback" not in printed, command
        if shown:
            assert settle(printed.splitlines()) == settle(shown), command


def split_commands(lines: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each command of a block with what it shows."""
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, (*starts[1:], len(lines)), strict=True):
        yield lines[start].removeprefix("$ "), lines[start + 1 : end]


def settle(lines: object) -> list[str]:
    """The lines as they are in every run: specs that are worked side by side speak in any order."""
    assert isinstance(lines, list | tuple)
    texts = [str(line).rstrip() for line in lines]
    for pattern, word in _CHANGING:
        texts = [re.sub(pattern, word, text) for text in texts]
    return sorted(text for text in texts if text)


def test_the_tutorial_shows_what_happens(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    reader = Reader(tmp_path)
    blocks = list(read_blocks(TUTORIAL.read_text()))

    for block in blocks:
        reader.follow(block)

    assert sum(bool(block.lines) for block in blocks) >= 20
    assert reader.folder == tmp_path / "greet"
