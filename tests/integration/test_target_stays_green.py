"""Whatever specs do and whoever else moves the target: it passes its checks after every move that we make."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chant_tasks.spec.model import SpecId
from chant_tasks.state import Kind
from chant_tasks.steps.run import SpecRun
from tests.integration.repository import Repository, make_repository
from tests.integration.test_checks import configure
from tests.integration.test_landing_together import finalize_together

# Red where a file is bad, and where two contradict each other.
CHECK = "if grep -qs bad f*.txt; then exit 1; fi; ! cmp -s f0.txt f1.txt"

Edit = tuple[str, str]
edits = st.tuples(st.sampled_from(("f0.txt", "f1.txt", "f2.txt")), st.sampled_from(("one", "two", "bad")))


def is_green(files: Mapping[str, str]) -> bool:
    """What the check says of a tree."""
    contradicts = "f0.txt" in files and files.get("f0.txt") == files.get("f1.txt")
    return "bad" not in files.values() and not contradicts


def load_files(repository: Repository, commit: str) -> dict[str, str]:
    names = [name for name in repository.files(commit) if name.startswith("f")]
    return {name: repository.show(name, commit).strip() for name in names}


# no example is made smaller: each takes seconds
@settings(max_examples=5, phases=[Phase.generate])
@given(
    work=st.lists(st.tuples(edits, st.sets(st.integers(0, 3), max_size=1)), min_size=2, max_size=4),
    theirs=st.lists(st.none() | edits, min_size=4, max_size=4),
)
def test_the_target_passes_its_checks_after_each_move_and_every_spec_is_somewhere(
    work: list[tuple[Edit, set[int]]], theirs: list[Edit | None]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = make_repository(Path(folder))
        specs = add_work(repository, work)

        work_all(repository, specs, theirs)

        assert_green_moves(repository)
        for spec in specs:
            assert_is_somewhere(repository, spec)
        assert repository.status() == []


def add_work(repository: Repository, work: list[tuple[Edit, set[int]]]) -> list[SpecId]:
    """A spec for each piece of work; those that it needs come before it."""
    configure(repository, CHECK)
    specs: list[SpecId] = []
    for number, ((name, text), needed) in enumerate(work):
        needs = ", ".join(specs[need] for need in sorted(needed) if need < number)
        specs.append(repository.add_spec(f"s{number}", f"echo {text} > {name}", keys=f"depends_on: [{needs}]"))
    repository.commit("specs")
    return specs


def work_all(repository: Repository, specs: list[SpecId], theirs: list[Edit | None]) -> None:
    """Work what can be worked, wave by wave; in each its person may commit something, too."""
    rest, waves = list(specs), iter(theirs)
    while ready := [spec for spec in rest if repository.state_now(spec).kind is Kind.READY]:
        edit = next(waves, None)

        def commit(_: SpecRun, edit: Edit | None = edit) -> None:
            if edit is not None:
                repository.write(edit[0], f"{edit[1]}\n")
                repository.commit("theirs")

        finalize_together(repository, ready, commit)
        rest = [spec for spec in rest if spec not in ready]


def assert_green_moves(repository: Repository) -> None:
    """Each tip that a landing has moved the target to passes its checks."""
    for line in repository.git("log", "-g", "--format=%H %gs", "main").splitlines():
        commit, _, reason = line.partition(" ")
        if reason.startswith("chant: land "):
            assert is_green(load_files(repository, commit)), line


def assert_is_somewhere(repository: Repository, spec: SpecId) -> None:
    """The spec has landed, is on its branch with a reason, waits for one that has not landed, or had nothing to do."""
    state, branch = repository.state(spec), repository.refs(f"refs/heads/spec/{spec}")
    has_landed = "status: completed" in repository.show(repository.spec_path(spec))
    assert (state.kind is Kind.COMPLETED) == has_landed
    if state.kind in (Kind.ATTENTION, Kind.LANDING_WAITS):
        assert branch
        assert state.reason
        assert state.next
    else:
        assert not branch
        has_nothing_to_do = state.reason == "nothing was changed but the spec itself"  # another did the same before
        assert state.kind in (Kind.COMPLETED, Kind.BLOCKED) or (state.kind is Kind.FAILED and has_nothing_to_do)
