"""Where a run's lines go: plain whole lines, or in a terminal lines above a live block that rich draws."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TextIO

from chant_tasks.doit_plugin.screens.terminal import Style, write_line


class Screen(Protocol):
    """Takes whole lines from any thread."""

    def story(self, line: str) -> None:
        """Print a line of the story (standard error)."""

    def answer(self, text: str) -> None:
        """Print text of doit's own (standard output, or the file that `-o` names)."""

    def close(self) -> None:
        """Take the live block away; lines may follow."""


class PlainScreen:
    """Whole lines, for pipes, files, CI and dumb terminals."""

    def __init__(self, answers: TextIO, stories: TextIO) -> None:
        self._answers = answers
        self._stories = stories
        self._lock = threading.Lock()

    def story(self, line: str) -> None:
        with self._lock, suppress(OSError, ValueError):  # a closed terminal or pipe must not fail a spec
            write_line(self._stories, line)
            self._stories.flush()

    def answer(self, text: str) -> None:
        with self._lock, suppress(OSError, ValueError):
            self._answers.write(text)
            self._answers.flush()

    def close(self) -> None:
        """There is no block."""


class LiveScreen:
    """Lines above a block that is redrawn four times a second, from the first line of the story on."""

    def __init__(self, answers: TextIO, stories: TextIO, style: Style, draw: Callable[[], Sequence[str]]) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._answers = answers
        self._console = Console(
            file=stories,
            force_terminal=True,
            color_system="auto" if style.has_colour else None,
            width=style.width,
            highlight=False,
            markup=False,
        )
        self._live = Live(
            console=self._console,
            get_renderable=lambda: Text("\n".join(draw()), no_wrap=True, overflow="crop"),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._text = Text
        self._lock = threading.RLock()
        self._is_open = False
        self._is_closed = False
        self._rest = ""

    def story(self, line: str) -> None:
        with self._lock:
            if not self._is_open and not self._is_closed:
                self._live.start()
                self._is_open = True
            self._print(line)

    def story_above(self, line: str) -> None:
        """Print somebody else's line for standard error above the block, without opening it."""
        with self._lock:
            self._print(line)

    def answer(self, text: str) -> None:
        with self._lock:
            if not self._is_open or not is_terminal(self._answers):
                with suppress(OSError, ValueError):
                    self._answers.write(text)
                    self._answers.flush()
                return
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._print(line)

    def close(self) -> None:
        with self._lock, suppress(OSError, ValueError):
            was_open, self._is_open, self._is_closed = self._is_open, False, True
            if was_open:
                self._live.stop()
            if self._rest:
                self._answers.write(self._rest)
                self._rest = ""

    def _print(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a closed terminal must not fail a spec
            self._console.print(self._text.from_ansi(line), soft_wrap=True)


class LineWriter:
    """A stream that gives whole lines to a screen: users' output above the live block. Each thread has its own rest."""

    def __init__(self, write_line: Callable[[str], None], stream: TextIO) -> None:
        self._write_line = write_line
        self._stream = stream
        self._rests: dict[int, str] = {}

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        *lines, rest = (self._rests.pop(thread, "") + text).split("\n")
        if rest:
            self._rests[thread] = rest
        for line in lines:
            self._write_line(line)
        return len(text)

    def flush(self) -> None:
        """Whole lines are written at once; a line that is not whole waits for its end."""

    def close_lines(self) -> None:
        """Write what never came to the end of its line."""
        for rest in self._rests.values():
            self._write_line(rest)
        self._rests.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
