"""Which attempts can go, and which one comes back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.git.runner import Git, Oid
from chant_tasks.journal.attempt import attempt_folder
from chant_tasks.journal.kept import Kept, find_restorable, plan_prune, remove_kept
from chant_tasks.spec.model import SpecId
from chant_tasks.state import Ending
from tests.unit.doit_plugin.overviews import make_record

A, B = SpecId("2026-01-24-001-aaa"), SpecId("2026-01-24-002-bbb")
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def make(spec: SpecId, number: int, began: str, ending: Ending | None = Ending.FAILED, oid: str = "1" * 40) -> Kept:
    record = replace(make_record(number, ending), spec=spec, started_at=began)
    return Kept(spec=spec, number=number, record=record, ref="", oid=Oid(oid), began=began)


def test_only_ended_old_attempts_of_landed_specs_go() -> None:
    old, young = "2026-01-01T00:00:00Z", "2026-01-31T12:00:00Z"
    attempts = [make(A, 1, old), make(A, 2, young), make(A, 3, old, ending=None), make(B, 1, old)]

    assert plan_prune(attempts, {A}, NOW - timedelta(days=30)) == (attempts[0],)


def test_what_is_still_to_be_cleaned_up_and_what_has_no_date_stays() -> None:
    unclean = make(A, 1, "2026-01-01T00:00:00Z")
    assert unclean.record is not None
    unclean = replace(unclean, record=replace(unclean.record, leftover="a worktree"))

    assert plan_prune([unclean, replace(unclean, record=None, began="")], {A}, NOW) == ()


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))))
def test_nothing_younger_than_asked_for_ever_goes(moments: list[datetime]) -> None:
    attempts = [make(A, number, f"{moment:%Y-%m-%dT%H:%M:%SZ}") for number, moment in enumerate(moments, 1)]
    before = datetime(2023, 1, 1, tzinfo=UTC)

    gone = plan_prune(attempts, {A}, before)

    assert all(datetime.fromisoformat(attempt.began) < before for attempt in gone)
    assert all(datetime.fromisoformat(attempt.began) >= before for attempt in attempts if attempt not in gone)


def test_the_newest_whose_work_is_there_comes_back_or_the_one_that_is_asked_for() -> None:
    attempts = [make(A, 3, "3", oid=""), make(B, 1, "2"), make(A, 2, "1"), make(A, 1, "0")]

    assert find_restorable(attempts, A, None) == attempts[2]
    assert find_restorable(attempts, A, 1) == attempts[3]
    assert find_restorable(attempts, A, 3) is None


def test_files_of_an_attempt_go_and_those_of_others_stay(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = attempt_folder(tmp_path, A, number)
        folder.mkdir(parents=True)
        (folder / "log").write_text("said")

    remove_kept(Git(tmp_path), tmp_path, make(A, 1, "0"))
    assert [path.name for path in (tmp_path / "attempts" / A).iterdir()] == ["2"]

    remove_kept(Git(tmp_path), tmp_path, make(A, 2, "0"))
    assert not (tmp_path / "attempts" / A).exists()
