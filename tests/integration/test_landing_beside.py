"""Landing beside other gits: what they hold for a moment is waited for, what they remove meanwhile is no error."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chant_tasks.journal.locks import add_landing_lock
from chant_tasks.landing.leftovers import find_stale_files
from chant_tasks.overview import load_overview, load_state
from chant_tasks.spec.index import Index
from chant_tasks.spec.store import SpecFolder, load_specs
from chant_tasks.state import Kind
from tests.integration.repository import Repository


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "HEAD.lock", "packed-refs.lock"])
def test_a_ref_that_another_git_holds_for_a_moment_is_waited_for(repository: Repository, lock: str) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    held = repository.top / ".git" / lock
    timers = []

    def hold() -> None:  # longer than git's own patience, 100 milliseconds
        held.touch()
        timers.append(threading.Timer(1.5 if lock == "packed-refs.lock" else 0.5, held.unlink))
        timers[0].start()

    state = repository.work(spec_id, meanwhile=hold)
    timers[0].join()

    assert state.kind is Kind.COMPLETED, state
    assert "a.txt" in repository.files("main")
    repository.assert_no_traces()


def test_a_specs_file_that_a_landing_has_taken_away_for_a_moment_is_looked_for_again(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    path = repository.root / repository.spec_path(spec_id)
    text = path.read_bytes()
    path.unlink()
    journal = repository.journal
    looks: list[int] = []

    def look(folder: Path, known: Index, tell: Callable[[int], None] | None) -> SpecFolder:
        found = load_specs(folder, known, tell)
        looks.append(len(found.specs))
        path.write_bytes(text)  # by then git has written it anew
        return found

    monkeypatch.setattr("chant_tasks.overview.load.load_specs", look)
    monkeypatch.setattr("chant_tasks.journal.locks._MOMENT_SECONDS", 0.01)
    with add_landing_lock(journal):
        overview = load_overview(repository.root)

    assert looks == [0, 1, 1]
    assert overview.states[spec_id].kind is Kind.READY


def test_a_file_that_no_landing_has_touched_is_read_while_one_goes_on(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit()
    overview = load_overview(repository.root)
    waits: list[str] = []

    @contextmanager
    def wait(_: Path) -> Iterator[bool]:
        waits.append("waited")
        yield True

    monkeypatch.setattr("chant_tasks.overview.load.without_landings", wait)
    with add_landing_lock(repository.journal):
        state = load_state(overview, spec_id)
        assert waits == []
        path = repository.root / repository.spec_path(spec_id)
        path.write_text(path.read_text().replace("status: pending", "status: cancelled"))
        changed = load_state(overview, spec_id)

    assert (state.kind, changed.kind) == (Kind.READY, Kind.CANCELLED)
    assert waits == ["waited"]


def test_looking_for_leftovers_is_not_disturbed_by_landings_under_way(tmp_path: Path) -> None:
    for name in ("refs/heads", "refs/chant/landing", "worktrees"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "refs/chant/landing/other").write_text("0123\n")

    with _landings(tmp_path) as rounds:
        while len(rounds) < 300:
            assert not any(find_stale_files(tmp_path))


@contextmanager
def _landings(common_dir: Path) -> Iterator[list[int]]:
    """Within the block refs, locks and folders come and go as they do where other processes land; the rounds so far."""
    places = [common_dir / path for path in ("refs/heads/spec/a.lock", "refs/chant/landing/a", "worktrees/a/HEAD")]
    rounds: list[int] = []
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for place in places:
                place.parent.mkdir(exist_ok=True)
                place.write_text(f"{place.name}\n")  # the lock is of no landing that is known
            for place in places:
                place.unlink()
                if place.parent.name != "landing":
                    place.parent.rmdir()
            rounds.append(len(rounds))

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()
