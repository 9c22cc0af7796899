"""The spec files of a folder, read whole, and a file replaced at once."""

import bisect
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from chant_tasks.disk import sync_folder
from chant_tasks.errors import FileError, SpecError
from chant_tasks.spec.files import (
    SUFFIX,
    Files,
    find_completed,
    find_files,
    find_link,
    find_name_problem,
    has_many_new,
    is_spec_name,
)
from chant_tasks.spec.ids import sort_key
from chant_tasks.spec.index import (
    NO_INDEX,
    Entry,
    Index,
    Stamp,
    find_digest,
    is_settled,
    parse_row,
    render_entry,
)
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.remembered import NOT_REMEMBERED, ParseRow, Remembered, Specs
from chant_tasks.spec.small_file import UnfitFile, load_small_file
from chant_tasks.values import dataclass

if TYPE_CHECKING:
    from chant_tasks.spec.fields import Fields
    from chant_tasks.spec.outlines import Outlined

_LONG = 2_000  # files take about half a second
_FEW = 8  # of so many ids one may be put in its place by halving
_TEMPORARY = re.compile(r"\.chant-([0-9]+)-[0-9a-f]{16}\.tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecFolder:
    """What a folder of specs holds, in the order of ids; files without frontmatter are no specs.

    `remembered` are those of its completed specs that were not read, for their files are as they were; `digests` tell
    the contents of the others' files. `entries` is what may be remembered of those until the next time, `parsed` how
    many files had to be read. `known` is what an index tells, of which the places `kept` still hold: so many of them
    were `outlined` just now, and the `racy` ones must not be remembered beyond this command.
    """

    specs: Mapping[SpecId, Spec]
    unreadable: Mapping[SpecId, SpecError]
    without_frontmatter: tuple[Path, ...]
    remembered: Remembered = NOT_REMEMBERED
    digests: Mapping[SpecId, bytes] = field(default_factory=dict)
    entries: Mapping[SpecId, Entry] = field(default_factory=dict)
    parsed: int = 0
    outlined: int = 0
    racy: AbstractSet[SpecId] = frozenset()
    known: Index = NO_INDEX
    kept: Sequence[int] = ()
    order: tuple[SpecId, ...] | None = None

    @property
    def ids(self) -> tuple[SpecId, ...]:
        """All specs, unreadable ones too, in the order of ids."""
        if self.order is not None:
            return self.order
        return tuple(sorted((*self.specs, *self.unreadable), key=sort_key))

    @property
    def read(self) -> Mapping[SpecId, Spec]:
        """The specs that are not merely remembered: all that are not completed, and maybe others."""
        return self.specs.read if isinstance(self.specs, Specs) else self.specs

    @property
    def outlines(self) -> Iterator[Spec]:
        """All specs, the completed ones maybe without their criteria: enough for whoever asks many what their
        frontmatter says."""
        return self.specs.outlines if isinstance(self.specs, Specs) else iter(self.specs.values())

    def find_same(self, spec_id: SpecId, data: bytes) -> Spec | None:
        """The spec where it was read, and its file held `data`: as it would be parsed again; else None."""
        spec = self.read.get(spec_id)
        return spec if spec is not None and self.digests.get(spec_id) == find_digest(data) else None

    def find_outline(self, spec_id: SpecId) -> Spec | None:
        """One of the `outlines`; None where the spec's file cannot be read."""
        if spec_id not in self.specs:
            return None
        return self.specs.find_outline(spec_id) if isinstance(self.specs, Specs) else self.specs[spec_id]

    def find_title(self, spec_id: SpecId) -> str:
        """The spec's title; "" where its file cannot be read."""
        if spec_id in self.remembered:
            return self.remembered.find_title(spec_id)
        spec = self.specs.get(spec_id)
        return spec.title if spec is not None else ""

    def find_labels(self, spec_id: SpecId) -> tuple[str, ...]:
        """The spec's labels; none where its file cannot be read."""
        if spec_id in self.remembered:
            return self.remembered.find_labels(spec_id)
        spec = self.specs.get(spec_id)
        return spec.labels if spec is not None else ()

    def is_driver_by_type(self, spec_id: SpecId) -> bool:
        """Whether the spec's own file says that it is a driver."""
        if spec_id in self.remembered:
            return self.remembered.is_driver_by_type(spec_id)
        spec = self.specs.get(spec_id)
        return spec is not None and spec.is_driver_by_type

    @property
    def labelled(self) -> Iterator[tuple[SpecId, tuple[str, ...]]]:
        """The specs that have labels, with these, in no order."""
        yield from ((spec.id, spec.labels) for spec in self.read.values() if spec.labels)
        yield from self.remembered.labelled


def load_specs(folder: Path, known: Index = NO_INDEX, tell: Callable[[int], None] | None = None) -> SpecFolder:
    """The specs directly in a folder, hidden files apart; none where there is no folder. What is `known` of files that
    have not changed since is not read again. Where it takes a while to read the others, `tell` is told how many.

    Where git sees the folder itself as a link, none of them could be landed: then all are unreadable. Raises SpecError
    only where the folder cannot be read.
    """
    is_link = find_link(folder) is not None
    known = NO_INDEX if is_link else known
    found, outlined = find_files(folder, known), None
    if not is_link and has_many_new(known, found):
        outlined = _load_outlines(known, found, tell)
        known = outlined.index
        found = find_files(folder, known)
    places = find_completed(known, found.kept)
    remembered, reading = Remembered(known, places), _Reading(known)
    for spec_id, path, stamp, place in sorted(found.others, key=lambda other: sort_key(SpecId(other[1].stem))):
        if place is None or not reading.has_row(spec_id, path, place):
            reading.read(spec_id, path, stamp)

    def load(spec_id: SpecId, parse: ParseRow) -> Spec:
        path = folder / f"{spec_id}{SUFFIX}"
        # where the index was damaged meanwhile, or has no criteria, the file itself has to do
        return parse(spec_id, path, known.load_row(places[spec_id])) or load_spec(path)

    specs = Specs(_merge(places, reading.specs), reading.specs, remembered, load)
    return SpecFolder(
        specs=specs,
        unreadable=reading.unreadable,
        without_frontmatter=tuple(reading.without_frontmatter),
        remembered=remembered,
        digests=reading.digests,
        entries=reading.entries,
        parsed=reading.parsed + (outlined.added + len(outlined.racy) if outlined is not None else 0),
        outlined=outlined.added if outlined is not None else 0,
        racy=outlined.racy if outlined is not None else frozenset(),
        known=known,
        kept=(*places.values(), *reading.kept),
        order=_merge(specs.order, reading.unreadable) if reading.unreadable else specs.order,
    )


def load_spec(path: Path, known: SpecFolder | None = None) -> Spec:
    """The spec of one file; where `known` has it with the same content, that one. Raises SpecError, also where it has
    no frontmatter."""
    spec_id = SpecId(path.stem)
    data = _load_file(spec_id, path)
    spec = (known.find_same(spec_id, data) if known is not None else None) or _parse_file(spec_id, path, data)
    if spec is None:
        raise SpecError(path, 1, "has no frontmatter, so it is no spec", "begin it with lines `---`, keys, `---`")
    return spec


def load_spec_bytes(path: Path) -> bytes:
    """The bytes of a spec's file. Raises SpecError where git has none: links, pipes; and where it is too long."""
    link = find_link(path.parent)
    if link is not None:
        raise SpecError(link, 0, "is a link, behind which git sees no specs", "put the folder itself there")
    try:
        return load_small_file(path, follows_links=False)
    except UnfitFile as error:
        raise SpecError(path, 0, error.reason, error.hint) from error
    except FileNotFoundError:
        raise SpecError(path, 0, "is not there") from None


def load_fields(path: Path) -> "Fields":
    """What a spec's frontmatter says, key by key. Raises SpecError, also where there is none."""
    from chant_tasks.spec.frontmatter import parse_frontmatter, split_frontmatter

    frontmatter = split_frontmatter(load_spec_bytes(path))
    if frontmatter is None:
        raise SpecError(path, 1, "has no frontmatter")
    return parse_frontmatter(frontmatter, path)


def load_archived_ids(archive: Path) -> frozenset[SpecId]:
    """The ids of the specs in an archive, at any depth. What cannot be read there is left out."""
    return frozenset(
        SpecId(name.removesuffix(SUFFIX)) for _, _, names in os.walk(archive) for name in names if is_spec_name(name)
    )


def save_file(path: Path, data: bytes) -> None:
    """Replaces a file (a link's target) at once, with its permissions; a crash leaves the old or the new one.

    Raises FileError where it cannot be written; the file is then as it was.
    """
    target = Path(os.path.realpath(path))
    # hidden and no .md: never taken for a spec
    temporary = target.with_name(f".chant-{os.getpid()}-{secrets.token_hex(8)}.tmp")
    try:
        try:
            _save_new(temporary, data, _load_mode(target))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(target.parent)
    except OSError as error:
        raise FileError(path, 0, f"cannot be written: {error.strerror}") from error


def find_temporary_files(folder: Path) -> Iterator[tuple[Path, int]]:
    """What `save_file` has in a folder meanwhile, and the process that wrote it: left there, where that was killed."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(folder):  # noqa: PTH208  # at each run's start, of all specs: paths cost
            found = _TEMPORARY.fullmatch(name) if name.startswith(".") else None
            if found is not None:
                yield folder / name, int(found[1])


class _Reading:
    """What is found in the files that are looked at one by one: those of specs not completed, or that have changed."""

    def __init__(self, known: Index) -> None:
        self._known = known
        self.specs: dict[SpecId, Spec] = {}
        self.unreadable: dict[SpecId, SpecError] = {}
        self.without_frontmatter: list[Path] = []
        self.digests: dict[SpecId, bytes] = {}
        self.entries: dict[SpecId, Entry] = {}
        self.kept: list[int] = []
        self.parsed = 0

    def has_row(self, spec_id: SpecId, path: Path, place: int) -> bool:
        """Whether the index has all of the spec, so that its file need not be read."""
        spec = parse_row(spec_id, path, self._known.load_row(place))
        if spec is not None:
            self.specs[spec_id], self.digests[spec_id] = spec, self._known.find_digest(place)
            self.kept.append(place)
        return spec is not None

    def read(self, spec_id: SpecId, path: Path, stamp: Stamp | None) -> None:
        """Read the file."""
        now = time.time_ns()
        self.parsed += 1
        try:
            data = _load_file(spec_id, path)
            spec = _parse_file(spec_id, path, data)
        except SpecError as error:
            if os.path.lexists(path):  # else it was removed since the folder was read
                self.unreadable[spec_id] = error
            return
        if spec is None:
            self.without_frontmatter.append(path)
            return
        self.specs[spec_id], self.digests[spec_id] = spec, find_digest(data)
        if stamp is not None and is_settled(stamp, now):
            self.entries[spec_id] = render_entry(spec, stamp, self.digests[spec_id])


def _load_outlines(known: Index, found: Files, tell: Callable[[int], None] | None) -> "Outlined":
    from chant_tasks.spec.outlines import load_outlines  # here: it parses

    files = [(spec_id, path, stamp) for spec_id, path, stamp, place in found.others if place is None and stamp]
    if tell is not None and len(files) >= _LONG:
        tell(len(files))
    return load_outlines(known, [file for file in files if not find_name_problem(file[1])])


def _merge(remembered: Iterable[SpecId], read: Iterable[SpecId]) -> tuple[SpecId, ...]:
    """All of these ids in their order, in which both are already. To compare two takes a while, so that is done as
    seldom as it can be."""
    merged, others = list(remembered), list(read)
    if len(others) * _FEW > len(merged):
        return tuple(sorted((*merged, *others), key=sort_key))
    for spec_id in others:
        bisect.insort(merged, spec_id, key=sort_key)
    return tuple(merged)


def _load_file(spec_id: SpecId, path: Path) -> bytes:
    problem = find_name_problem(path)
    if problem:
        raise SpecError(path.with_name(spec_id + SUFFIX), 0, problem, "rename it")
    return load_spec_bytes(path)


def _parse_file(spec_id: SpecId, path: Path, data: bytes) -> Spec | None:
    from chant_tasks.spec.parse import parse_spec  # here: a list of what is remembered needs no parser

    return parse_spec(spec_id, path, data)


def _load_mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _save_new(path: Path, data: bytes, mode: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
