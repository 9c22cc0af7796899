"""What is merged without git is merged as git does it, and trees are told apart as git does it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chant_tasks.git.drafts import Drafts
from chant_tasks.git.objects import _load_many_changes, add_blob, load_blob, load_changes, run_merge
from chant_tasks.git.resident import end_residents
from chant_tasks.git.runner import Git, Oid
from chant_tasks.git.signature import render_commit
from chant_tasks.git.trees import Entry, find_file, find_plain_merge, set_path
from tests.integration.repository import make_repository

# Paths of which some are folders of others, so that a file may stand where another side has a folder.
_PATHS = ("a", "a/x", "a/y", "a/b/x", "b", "b/x", "b/z", "c.py", "c/x", "d", "n\nl", "\udcff")
_Files = Mapping[str, int]
_MODES = {8: b"100755", 9: b"100755", 10: b"120000"}
_SUBMODULE = 11
_Change = Callable[[_Files], _Files]


def _plan_text(number: int) -> bytes:
    """A text of its own, long enough for git to see where it was moved."""
    return b"".join(b"line %d of text %d\n" % (line, number // 2) for line in range(20)) + b"%d\n" % number


def _plan_entry(drafts: Drafts, number: int) -> Entry:
    """What a number stands for: a text, or one of few that is a link, may be executed, or is a submodule."""
    if number == _SUBMODULE:
        return Entry(b"160000", bytes.fromhex("1" * 40))
    mode = _MODES.get(number, b"100644")
    text = b"a/x" if mode == b"120000" else _plan_text(number % 8)
    return Entry(mode, bytes.fromhex(drafts.add("blob", text)))


def _put(path: str, number: int) -> _Change:
    def change(files: _Files) -> _Files:
        kept = {name: text for name, text in files.items() if not _is_in_the_way(name, path)}
        return {**kept, path: number}

    return change


def _is_in_the_way(name: str, path: str) -> bool:
    return name.startswith(f"{path}/") or path.startswith(f"{name}/")


def _remove(path: str) -> _Change:
    return lambda files: {name: text for name, text in files.items() if name != path}


def _move(old: str, new: str) -> _Change:
    """Rename a file, or all of a folder."""

    def change(files: _Files) -> _Files:
        for name in [name for name in files if name == old or name.startswith(f"{old}/")]:
            number = files[name]
            files = _put(new + name.removeprefix(old), number)(_remove(name)(files))
        return files

    return change


_path = st.sampled_from(_PATHS)
_number = st.integers(0, _SUBMODULE)
_changes = st.lists(
    st.one_of(
        st.builds(_put, _path, _number),
        st.builds(_remove, _path),
        st.builds(_move, st.sampled_from((*_PATHS, "a/b", "c")), st.sampled_from(("a", "b", "c", "e", "a/n", "e/n"))),
    ),
    max_size=3,
)
_base = st.dictionaries(_path, _number, min_size=2, max_size=7).map(
    lambda files: {name: files[name] for name in files if not any(_is_in_the_way(other, name) for other in files)}
)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Git]:
    yield Git(make_repository(tmp_path_factory.mktemp("trees")).top)
    end_residents()


def _add_tree(drafts: Drafts, files: _Files) -> Oid:
    tree = drafts.add_tree({})
    for path, number in files.items():
        tree = set_path(drafts.trees, tree, path, _plan_entry(drafts, number))
    return tree


def _add_commit(drafts: Drafts, git: Git, tree: Oid, *parents: Oid) -> Oid:
    return drafts.add("commit", render_commit(git.folder, tree, parents, "made\n"))


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(base=_base, ours=_changes, theirs=_changes)
def test_a_merge_without_git_is_the_one_that_git_makes(
    git: Git, base: _Files, ours: list[_Change], theirs: list[_Change]
) -> None:
    drafts = Drafts(git, Oid("0" * 40))
    sides: list[_Files] = [base, base, base]
    for number, changes in ((1, ours), (2, theirs)):
        for change in changes:
            sides[number] = change(sides[number])
    trees = [_add_tree(drafts, files) for files in sides]
    plain = find_plain_merge(drafts.trees, *trees)
    start = _add_commit(drafts, git, trees[0])
    commits = [_add_commit(drafts, git, tree, start) for tree in trees[1:]]
    drafts.save()

    merge = run_merge(git, *commits)

    assert plain is None or (plain, ()) == (merge.tree, merge.conflicts)
    for old, new in ((trees[0], trees[1]), (trees[1], trees[2])):
        assert sorted(load_changes(git, old, new), key=repr) == sorted(_load_many_changes(git, old, new), key=repr)


def test_whoever_changes_what_nobody_else_does_needs_no_git(git: Git) -> None:
    drafts = Drafts(git, Oid("0" * 40))
    base = _add_tree(drafts, {"a/x": 0, "a/y": 1, "b": 2, "c/x": 3})
    ours = _add_tree(drafts, {"a/x": 4, "a/y": 1, "b": 2, "c/x": 3, "c/new": 4})
    theirs = _add_tree(drafts, {"a/x": 0, "b": 5, "c/x": 3, "d/new": 6})

    merged = find_plain_merge(drafts.trees, base, ours, theirs)

    assert merged == _add_tree(drafts, {"a/x": 4, "b": 5, "c/x": 3, "c/new": 4, "d/new": 6})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_is_drafted_is_there_once_it_is_saved(tmp_path: Path, algorithm: str) -> None:
    git = Git(tmp_path)
    git.run("init", "--quiet", f"--object-format={algorithm}")
    known = add_blob(git, b"known", "known")
    drafts = Drafts(git, known)
    large = drafts.add("blob", b"".join(b"%d\n" % number for number in range(100_000)))
    tree = set_path(drafts.trees, None, "folder/large", Entry(b"100755", bytes.fromhex(large)))
    tree = set_path(drafts.trees, tree, "folder/known", Entry(b"100644", bytes.fromhex(known)))
    commit = _add_commit(drafts, git, tree)

    drafts.save()

    assert git.run("fsck", "--strict").status == 0
    assert load_blob(git, large).endswith(b"99999\n")
    assert git.run("show", f"{commit}:folder/known").stdout == b"known"
    assert find_file(drafts.trees, tree, "folder") is None
    end_residents()


@pytest.mark.parametrize(("files", "packs"), [(90, 0), (110, 1)])
def test_many_drafts_stay_in_one_pack_also_where_git_has_some_of_them(tmp_path: Path, files: int, packs: int) -> None:
    git = Git(tmp_path)
    git.run("init", "--quiet")
    drafts = Drafts(git, add_blob(git, b"0", "known"))
    blobs = [drafts.add("blob", b"%d" % number) for number in range(files)]

    drafts.save()

    counts = dict(line.split(": ") for line in git.run("count-objects", "-v").text.splitlines())
    assert (int(counts["packs"]), int(counts["garbage"])) == (packs, 0)
    assert git.run("fsck", "--strict").status == 0
    assert [load_blob(git, blob) for blob in blobs] == [b"%d" % number for number in range(files)]
    end_residents()


def test_a_folder_whose_mode_begins_with_a_zero_keeps_what_it_holds(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    git = Git(repository.top)
    blob = add_blob(git, b"text\n", "kept")
    inner = git.run("mktree", stdin=f"100644 blob {blob}\tkept\n".encode()).text
    padded = b"040000 folder\0" + bytes.fromhex(inner)
    tree = Oid(git.run("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=padded).text)
    drafts = Drafts(git, tree)

    made = set_path(drafts.trees, tree, "folder/new", Entry(b"100644", bytes.fromhex(blob)))

    assert find_file(drafts.trees, tree, "folder/kept") == Entry(b"100644", bytes.fromhex(blob))
    drafts.save()
    assert repository.git("ls-tree", "-r", "--name-only", made).splitlines() == ["folder/kept", "folder/new"]
