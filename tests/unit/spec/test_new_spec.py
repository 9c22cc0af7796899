"""Ids and texts of specs that are about to be written."""

import random
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.spec.ids import is_member_of, sort_key
from chant_tasks.spec.model import SpecId, Status
from chant_tasks.spec.new_spec import DIGITS, SKELETON, NewSpec, plan_member_id, plan_spec_id, render_new_spec
from chant_tasks.spec.parse import parse_spec

DAY = date(2026, 11, 21)


def first(letters: str) -> str:
    return letters[0]


def make_id(number: int, tail: str) -> SpecId:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return SpecId(f"2026-11-21-{digits.rjust(3, '0')}-{tail}")


taken_ids = st.lists(
    st.builds(make_id, st.integers(1, 36**4 - 2), st.text(DIGITS, min_size=3, max_size=3)), max_size=20
)


class TestIds:
    def test_an_id_counts_in_base_36_within_its_day(self) -> None:
        taken = ("2026-11-21-00z-abc", "2026-11-21-006-abc", "2026-11-20-0ff-abc", "2026-11-21-?-abc", "notes")

        assert plan_spec_id(DAY, taken, first) == "2026-11-21-010-000"
        assert plan_spec_id(DAY, (), first) == "2026-11-21-001-000"

    def test_beyond_zzz_a_fourth_character_comes(self) -> None:
        assert plan_spec_id(DAY, ["2026-11-21-zzz-abc"], first) == "2026-11-21-1000-000"
        assert plan_spec_id(DAY, ["2026-11-21-zzz-abc", "2026-11-21-1000-abc"], first) == "2026-11-21-1001-000"

    def test_names_that_people_chose_themselves_do_not_count(self) -> None:
        taken = ("2026-11-21-fix-login-form", "2026-11-21-refactor-abc", "2026-11-21-readme-x")

        assert plan_spec_id(DAY, taken, first) == "2026-11-21-001-000"

    def test_a_longer_tail_counts_behind_a_number(self) -> None:
        assert plan_spec_id(DAY, ["2026-11-21-00z-abcd", "2026-11-21-fix-login"], first) == "2026-11-21-010-000"

    def test_members_count_as_their_driver(self) -> None:
        assert plan_spec_id(DAY, ["2026-11-21-004-abc.2.1"], first) == "2026-11-21-005-000"

    @given(taken_ids, st.randoms(use_true_random=False))
    def test_a_new_id_sorts_behind_all_of_its_day(self, taken: list[SpecId], source: random.Random) -> None:
        made = plan_spec_id(DAY, taken, source.choice)

        assert made not in taken
        assert sorted([*taken, made], key=sort_key)[-1] == made

    @given(taken_ids)
    def test_ids_made_one_after_the_other_stay_in_order(self, taken: list[SpecId]) -> None:
        made: list[SpecId] = []
        for _ in range(3):
            made.append(plan_spec_id(DAY, [*taken, *made], first))

        assert sorted(made, key=sort_key) == made

    def test_a_member_is_numbered_behind_the_last_direct_one(self) -> None:
        driver = SpecId("2026-11-21-001-abc")
        taken = [SpecId(name) for name in (driver, f"{driver}.2", f"{driver}.10", f"{driver}.12.5", f"{driver}.x")]

        assert plan_member_id(driver, taken) == f"{driver}.11"
        assert plan_member_id(SpecId(f"{driver}.12"), taken) == f"{driver}.12.6"
        assert plan_member_id(SpecId(f"{driver}.2"), taken) == f"{driver}.2.1"

    @given(st.sets(st.integers(0, 10**6)))
    def test_a_members_id_is_always_a_new_one(self, numbers: set[int]) -> None:
        driver = SpecId("2026-11-21-001-abc")
        taken = [SpecId(f"{driver}.{number}") for number in numbers]

        made = plan_member_id(driver, taken)

        assert made not in taken
        assert is_member_of(made, driver)


def make(title: str = "Add retry", body: str = "", **changes: tuple[str, ...]) -> NewSpec:
    depends_on = tuple(SpecId(name) for name in changes.get("depends_on", ()))
    return NewSpec(title=title, type="code", depends_on=depends_on, labels=changes.get("labels", ()), body=body)


class TestTexts:
    def test_a_spec_reads_as_chant_writes_one(self) -> None:
        new = make(body="Some text.\n", depends_on=("2026-11-20-001-abc",), labels=("auth", "1.0"))

        assert render_new_spec(new) == (
            "---\ntype: code\nstatus: pending\ndepends_on:\n- 2026-11-20-001-abc\nlabels:\n- auth\n- '1.0'\n---\n"
            "\n# Add retry\n\nSome text.\n"
        )

    def test_without_a_body_the_title_is_all(self) -> None:
        assert render_new_spec(make()) == "---\ntype: code\nstatus: pending\n---\n\n# Add retry\n"

    def test_a_body_that_begins_with_the_title_does_not_get_it_twice(self) -> None:
        assert render_new_spec(make(body="# Add retry\n\nText\n")).endswith("---\n\n# Add retry\n\nText\n")

    def test_the_skeleton_has_one_criterion_to_fill_in(self) -> None:
        spec = parse_spec(SpecId("x"), Path("x.md"), render_new_spec(make(body=SKELETON)).encode())

        assert spec is not None
        assert [(criterion.text, criterion.is_ticked) for criterion in spec.criteria] == [("", False)]
        assert spec.problem is None

    @given(
        st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1),
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), max_size=3),
        st.text(st.characters(codec="utf-8", exclude_characters="\0\r")),
    )
    def test_what_was_asked_for_is_read_back(self, title: str, labels: list[str], body: str) -> None:
        new = make(title=f"A {title} b", body=body, labels=tuple(labels), depends_on=("2026-11-20-001-abc",))

        text = render_new_spec(new).encode()
        spec = parse_spec(SpecId("x"), Path("x.md"), text)

        assert spec is not None
        assert (spec.title, spec.status, spec.labels) == (f"A {title} b", Status.PENDING, tuple(labels))
        assert spec.depends_on == ("2026-11-20-001-abc",)
        assert body.strip("\n") in text.decode()
