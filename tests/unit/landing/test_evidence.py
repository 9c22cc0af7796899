"""What counts as evidence that a spec is done, and every reason against it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chant_tasks.config import Criteria
from chant_tasks.git.objects import Change
from chant_tasks.git.runner import Oid
from chant_tasks.landing.evidence import Evidence, Proven, Refused, plan_verdict
from chant_tasks.spec.model import Criterion

SPEC = ".chant/specs/a.md"


def _change(path: str, status: str = "M") -> Change:
    return Change(path=path, status=status, old_mode="100644", new_mode="100644", old=Oid("1" * 40), new=Oid("2" * 40))


def _criteria(*texts: str, ticked: bool = False) -> tuple[Criterion, ...]:
    return tuple(Criterion(text=text, is_ticked=ticked, line=line) for line, text in enumerate(texts, 1))


PROOF = Evidence(
    changes=(_change("src/code.py"), _change(SPEC)),
    spec_path=SPEC,
    specs_prefix=".chant/specs/",
    start_criteria=_criteria("one", "two"),
    end_criteria=_criteria("one", "two", ticked=True),
    end_problem="",
    unmerged=(),
    embedded=(),
    needs_change=True,
    policy=Criteria.REQUIRE,
)


def test_a_change_and_ticked_criteria_are_proof() -> None:
    assert plan_verdict(PROOF) == Proven()


def test_a_change_of_the_spec_alone_is_none() -> None:
    assert plan_verdict(replace(PROOF, changes=(_change(SPEC),))) == Refused(
        reasons=("nothing was changed but the spec itself",)
    )


def test_where_no_change_is_needed_the_criteria_are_enough() -> None:
    assert plan_verdict(replace(PROOF, changes=(), needs_change=False)) == Proven()


def test_open_criteria_are_listed() -> None:
    end = (*_criteria("one"), *_criteria("two", ticked=True))

    assert plan_verdict(replace(PROOF, end_criteria=end)) == Refused(
        reasons=('1 of 2 acceptance criteria is unticked: "one"',)
    )


@pytest.mark.parametrize("texts", [("one",), ("one", "two", "three"), ("one", "other"), ("one", "one")])
def test_other_criteria_than_at_the_start_are_refused(texts: tuple[str, ...]) -> None:
    verdict = plan_verdict(replace(PROOF, end_criteria=_criteria(*texts, ticked=True)))

    assert verdict == Refused(reasons=("the acceptance criteria are not those of the start any more",))


def test_criteria_may_change_places() -> None:
    assert plan_verdict(replace(PROOF, end_criteria=_criteria("two", "one", ticked=True))) == Proven()


@pytest.mark.parametrize(("policy", "count"), [(Criteria.WARN, 1), (Criteria.IGNORE, 0)])
def test_open_criteria_prevent_nothing_where_the_project_says_so(policy: Criteria, count: int) -> None:
    verdict = plan_verdict(replace(PROOF, end_criteria=PROOF.start_criteria, policy=policy))

    assert isinstance(verdict, Proven)
    assert len(verdict.warnings) == count


def test_a_spec_without_criteria_is_proven_by_its_change() -> None:
    assert plan_verdict(replace(PROOF, start_criteria=(), end_criteria=())) == Proven()


@pytest.mark.parametrize("path", [".chant/config.md", ".chant/specs/b.md", ".chant/prompts/standard.md"])
@pytest.mark.parametrize("status", ["M", "D", "T"])
def test_a_change_to_what_is_not_its_own_is_refused(path: str, status: str) -> None:
    verdict = plan_verdict(replace(PROOF, changes=(*PROOF.changes, _change(path, status))))

    assert verdict == Refused(reasons=(f"the agent changed {path}, which is not its own spec",))


def test_a_new_spec_is_welcome_and_a_new_prompt_is_not() -> None:
    new_spec, new_prompt = _change(".chant/specs/b.md", "A"), _change(".chant/prompts/p.md", "A")

    assert plan_verdict(replace(PROOF, changes=(*PROOF.changes, new_spec))) == Proven()
    assert isinstance(plan_verdict(replace(PROOF, changes=(*PROOF.changes, new_prompt))), Refused)


def test_a_projects_subfolder_has_a_chant_folder_of_its_own() -> None:
    changes = (_change(".chant/config.md"), _change("sub/.chant/config.md"))
    evidence = replace(PROOF, changes=changes, spec_path=f"sub/{SPEC}", specs_prefix="sub/.chant/specs/")

    assert plan_verdict(evidence) == Refused(
        reasons=("the agent changed sub/.chant/config.md, which is not its own spec",)
    )


def test_a_file_that_cannot_be_read_hides_its_criteria() -> None:
    verdict = plan_verdict(replace(PROOF, end_criteria=(), end_problem="the spec's file lost its frontmatter"))

    assert verdict == Refused(reasons=("the spec's file lost its frontmatter",))


def test_every_reason_is_given_at_once() -> None:
    verdict = plan_verdict(
        replace(
            PROOF,
            changes=(),
            end_criteria=PROOF.start_criteria,
            unmerged=("f",),
            embedded=("inner",),
        )
    )

    assert verdict == Refused(
        reasons=(
            "nothing was changed",
            "a merge was left unresolved in f",
            "inner is a git repository of its own",
            '2 of 2 acceptance criteria are unticked: "one", "two"',
        )
    )


@given(texts=st.lists(st.text(min_size=1), max_size=4), ticks=st.lists(st.booleans(), max_size=4))
def test_nothing_unticked_is_ever_proven(texts: list[str], ticks: list[bool]) -> None:
    end = tuple(
        Criterion(text=text, is_ticked=number < len(ticks) and ticks[number], line=number)
        for number, text in enumerate(texts)
    )

    verdict = plan_verdict(replace(PROOF, start_criteria=_criteria(*texts), end_criteria=end))

    assert isinstance(verdict, Proven) == all(criterion.is_ticked for criterion in end)
