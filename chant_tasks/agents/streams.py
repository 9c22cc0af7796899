"""What an agent prints, cut into lines as it comes."""

from collections.abc import Iterator
from typing import NamedTuple

from chant_tasks.agents.redaction import NO_SECRETS, Secrets

LINE_LIMIT = 1 << 22


class Lines(NamedTuple):
    """Whole lines that came at once, as UTF-8, each with its end, or a piece of one that is too long, without one;
    `is_rest` where a piece of it came before.

    They are not taken apart before somebody asks for that: of a flood nobody reads them all.
    """

    data: bytes
    is_rest: bool = False

    @property
    def texts(self) -> list[str]:
        """Each line."""
        return self.data.decode("utf-8").removesuffix("\n").split("\n")

    def find_last(self, count: int) -> list[str]:
        """The last lines, so many at most."""
        begin = len(self.data) - self.data.endswith(b"\n")
        for _ in range(count):
            begin = self.data.rfind(b"\n", 0, begin)
            if begin < 0:
                break
        return Lines(self.data[begin + 1 :]).texts


class LineSplitter:
    """Cuts the bytes of a stream into lines; what is longer than `limit` bytes comes in pieces. Secrets are replaced,
    those too that come in several parts."""

    def __init__(self, limit: int = LINE_LIMIT, secrets: Secrets = NO_SECRETS) -> None:
        self._limit = limit
        self._secrets = secrets
        self._rest = bytearray()
        self._is_within = False  # a line of which a piece was given out

    def feed(self, data: bytes) -> Iterator[Lines]:
        """Yield the lines that `data` completes; bytes that are not UTF-8 are replaced."""
        # Searching the new bytes only keeps a line that never ends from being searched over and over.
        end = data.rfind(b"\n")
        if end >= 0:
            view = memoryview(data)  # of a flood, each copy counts
            whole = b"".join((self._rest, view[: end + 1]))
            self._rest = bytearray(view[end + 1 :])
            yield from self._cut_lines(self._secrets.redact(whole))
            self._is_within = False
        else:
            self._rest += data
        while len(self._rest) > self._limit + self._secrets.longest:
            cut = self._secrets.find_cut(self._rest, _find_cut(self._rest, self._limit))
            piece = bytes(self._rest[:cut])
            del self._rest[:cut]
            yield from self._cut_line(self._secrets.redact(piece))

    def flush(self) -> Iterator[Lines]:
        """Yield what is left when the stream has ended."""
        rest, self._rest = bytes(self._rest), bytearray()
        if rest:
            yield from self._cut_line(self._secrets.redact(rest).removesuffix(b"\r"))

    def _cut_lines(self, whole: bytes) -> Iterator[Lines]:
        if not self._is_within and len(whole) <= self._limit:
            yield Lines(_clean(whole.replace(b"\r\n", b"\n") if b"\r" in whole else whole))
            return
        for line in whole.removesuffix(b"\n").split(b"\n"):
            yield from self._cut_line(line.removesuffix(b"\r"))
            self._is_within = False

    def _cut_line(self, line: bytes) -> Iterator[Lines]:
        while True:
            cut = len(line) if len(line) <= self._limit else _find_cut(line, self._limit)
            if cut or not self._is_within:
                yield Lines(_clean(line[:cut]), self._is_within)
            line = line[cut:]
            self._is_within = True
            if not line:
                return


def _clean(text: bytes) -> bytes:
    """The text, what is no UTF-8 in it replaced."""
    if text.isascii():
        return text
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode("utf-8")
    return text


def _find_cut(text: bytes | bytearray, limit: int) -> int:
    # A character of several bytes must not be cut in two; one of more than four bytes is no UTF-8 anyway.
    for cut in range(limit, max(limit - 4, 0), -1):
        if text[cut] & 0xC0 != 0x80:
            return cut
    return limit
