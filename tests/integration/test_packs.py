"""What is handed to git as a pack is what git has then, however it was stored."""

import hashlib
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.git.packs import Object, render_pack
from chant_tasks.git.resident import end_residents, load_object
from chant_tasks.git.runner import Git, Oid
from tests.integration.repository import make_repository

_LIKE = Oid("0" * 40)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Git]:
    yield Git(make_repository(tmp_path_factory.mktemp("packs")).top)
    end_residents()


def _name(data: bytes) -> Object:
    oid = hashlib.sha1(b"tree %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return Object(Oid(oid), "tree", data)


def _make(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def _assert_stored(git: Git, versions: list[bytes]) -> int:
    """Have git store these one after the other; how large that pack was."""
    objects = {one.oid: one for one in map(_name, versions)}
    pack = render_pack(objects.values(), _LIKE, 1)
    git.run("index-pack", "--stdin", stdin=pack)
    for one in objects.values():
        found = load_object(git, one.oid)
        assert found is not None
        assert (found.kind, found.data == one.data) == ("tree", True)
    return len(pack)


@given(
    seed=st.integers(0, 5),
    size=st.sampled_from([0, 1, 15, 16, 127, 128, 1025, 2047, 2048, 65535, 65536, 65537, 200_000]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 600)), max_size=4),
)
def test_every_version_comes_out_as_it_went_in(git: Git, seed: int, size: int, edits: list[tuple[float, int]]) -> None:
    versions = [_make(seed, size)]
    for number, (place, length) in enumerate(edits):
        start = int(place * size)
        new = _make(1000 + number, min(length, size - start))
        versions.append(versions[-1][:start] + new + versions[-1][start + len(new) :])

    _assert_stored(git, versions)


def test_a_folder_of_many_files_is_stored_once_and_each_further_version_as_little_more(git: Git) -> None:
    versions = [_make(1, 50_000)]
    for place in range(0, 50_000, 500):
        versions.append(versions[-1][:place] + _make(place, 20) + versions[-1][place + 20 :])

    assert _assert_stored(git, versions) < 50_000 + 100 * 150


def test_more_than_one_copy_holds_comes_out_too(git: Git) -> None:
    first = _make(1, 3000) + bytes(40_000_000)

    _assert_stored(git, [first, first[:10] + b"changed" + first[17:], first[:-10] + b"0123456789"])
