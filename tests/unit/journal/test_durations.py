"""How long agents are expected to work, by what is known."""

from dataclasses import replace
from pathlib import Path

from chant_tasks.journal.durations import Expected, find_expected
from chant_tasks.journal.ledger import Entry, load_last_entries, save_entry
from chant_tasks.spec.model import Spec, SpecId
from chant_tasks.spec.parse import parse_spec
from tests.unit.journal.test_ledger import ENTRY

A, B = SpecId("2026-01-24-001-aaa"), SpecId("2026-01-24-002-bbb")


def make_spec(spec_id: SpecId, *lines: str) -> Spec:
    head = "\n".join(("---", "type: code", *lines, "---", "# T", ""))
    spec = parse_spec(spec_id, Path(f"{spec_id}.md"), head.encode())
    assert spec is not None
    return spec


def make_entry(spec_id: SpecId, seconds: float, attempt: int = 1, **changes: object) -> Entry:
    entry = replace(ENTRY, spec=spec_id, attempt=attempt, seconds=seconds, labels=(), model_asked="")
    return replace(entry, **changes)  # type: ignore[arg-type]


def expect(spec: Spec, *entries: Entry) -> Expected:
    return find_expected([spec.id], {spec.id: spec}, entries)[spec.id]


def test_its_own_attempts_count_most_with_all_that_their_agents_worked() -> None:
    entries = (make_entry(A, 5, outcome="postponed"), make_entry(A, 95), *(make_entry(A, 200, n) for n in (2, 3)))

    assert expect(make_spec(A, "estimate: 9m"), *entries) == Expected(200, is_known=True)
    assert expect(make_spec(A, "estimate: 9m"), *entries[:3]) == Expected(150, is_known=True)


def test_an_attempt_that_did_not_come_to_its_own_end_says_nothing() -> None:
    stopped = make_entry(A, 3, outcome="stopped")

    assert expect(make_spec(A, "estimate: 9m"), stopped) == Expected(540, is_known=True)
    assert not expect(make_spec(A), stopped).is_known


def test_the_narrowest_kind_counts_of_which_there_are_enough() -> None:
    others = [make_entry(SpecId(str(n)), seconds) for n, seconds in enumerate((10, 20, 30))]
    labelled = [make_entry(SpecId(f"l{n}"), 500, labels=("slow",)) for n in range(3)]
    opus = [make_entry(SpecId(f"o{n}"), 700, model_asked="opus") for n in range(3)]
    types = {SpecId(f"o{n}"): make_spec(SpecId(f"o{n}")) for n in range(3)}
    wanted = make_spec(A, "labels: [slow, new]", "model: opus")

    assert expect(wanted, *others, *labelled).seconds == 500
    assert expect(wanted, *others, *labelled[:2]).seconds == 30
    assert find_expected([A], {**types, A: make_spec(A, "model: opus")}, (*others, *opus))[A].seconds == 700
    assert not expect(wanted, *others[:2]).is_known


def test_of_a_long_ledger_the_end_is_read(tmp_path: Path) -> None:
    for number in range(1000):
        save_entry(tmp_path, make_entry(SpecId(f"2026-01-24-{number:04d}-abc"), number))

    found = load_last_entries(tmp_path)

    assert 100 < len(found) < 1000
    assert [entry.seconds for entry in found] == [float(number) for number in range(1000 - len(found), 1000)]
    assert load_last_entries(tmp_path / "none") == ()
