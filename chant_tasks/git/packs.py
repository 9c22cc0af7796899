"""Objects as git's packs have them: whole, or as what differs from one before.

gitformat-pack(5) says how.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chant_tasks.git.runner import Oid

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_DELTA = 7  # names what it differs from by its id
_VERSION = 2
_SHORT = 40  # hexadecimal digits of a SHA-1
_WORTH = 1024  # bytes: a small tree is as short as what tells how it differs
_MOST_COPIED = 0xFFFFFF
_MOST_ADDED = 127


class Object(NamedTuple):
    """An object that is to be stored."""

    oid: Oid
    kind: str
    data: bytes


def find_algorithm(like: Oid) -> str:
    """How ids are made in a repository where one is `like` that."""
    return "sha1" if len(like) == _SHORT else "sha256"


def render_pack(objects: Iterable[Object], like: Oid, level: int) -> bytes:
    """A pack of these objects, compressed so hard."""
    rows = [_render(kind, base + zlib.compress(data, level), len(data)) for kind, base, data in _plan(objects)]
    pack = b"".join((struct.pack(">4sII", b"PACK", _VERSION, len(rows)), *rows))
    return pack + hashlib.new(find_algorithm(like), pack, usedforsecurity=False).digest()


def _plan(objects: Iterable[Object]) -> Iterator[tuple[int, bytes, bytes]]:
    """How each is stored: its kind, the id of what it differs from, and itself or how it differs.

    A folder of many files is stored anew for each spec that lands, with one name's id changed.
    """
    last: dict[int, Object] = {}
    for one in objects:
        size = len(one.data)
        before = last.get(size) if one.kind == "tree" and size > _WORTH else None
        delta = render_delta(before.data, one.data) if before is not None else one.data
        if before is not None and len(delta) < size // 2:
            yield _DELTA, bytes.fromhex(before.oid), delta
        else:
            yield _KINDS[one.kind], b"", one.data
        if one.kind == "tree":
            last[size] = one


def render_delta(old: bytes, new: bytes) -> bytes:
    """How `new` is made of `old`: what both begin with, what is new, and what both end with."""
    start = _count_common(old, new, len(min(old, new, key=len)))
    end = _count_common(old[start:][::-1], new[start:][::-1], min(len(old), len(new)) - start)
    added = new[start : len(new) - end]
    parts = [_render_number(len(old)), _render_number(len(new)), *_render_copy(0, start)]
    for place in range(0, len(added), _MOST_ADDED):
        piece = added[place : place + _MOST_ADDED]
        parts += [bytes((len(piece),)), piece]
    return b"".join((*parts, *_render_copy(len(old) - end, end)))


def _count_common(one: bytes, other: bytes, most: int) -> int:
    """How many bytes both begin with, of `most`."""
    low = 0
    while low < most:
        middle = (low + most + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            most = middle - 1
    return low


def _render_copy(place: int, size: int) -> Iterator[bytes]:
    """So many bytes of the old data, from a place on: a byte tells which of the seven that follow are not zero."""
    while size:
        taken = min(size, _MOST_COPIED)
        numbers = (place.to_bytes(4, "little"), taken.to_bytes(3, "little"))
        told = [(bit, byte) for bit, byte in enumerate(b"".join(numbers)) if byte]
        yield bytes((128 | sum(1 << bit for bit, _ in told), *(byte for _, byte in told)))
        place, size = place + taken, size - taken


def _render(kind: int, stored: bytes, size: int) -> bytes:
    """An object in a pack: its kind and size, four bits of that first, and then what is stored of it."""
    first, size = kind << 4 | size & 15, size >> 4
    return (bytes((first | 128,)) + _render_number(size) if size else bytes((first,))) + stored


def _render_number(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes((*found, number))
