"""The id and the text of a spec that is about to be written."""

import re
from collections.abc import Callable, Iterable
from datetime import date

from chant_tasks.spec.ids import find_member_number
from chant_tasks.spec.model import SpecId
from chant_tasks.spec.scalars import render_entry
from chant_tasks.spec.yaml_entries import Value
from chant_tasks.values import dataclass

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Three characters up to `zzz`, four beyond; a longer word between two dashes is somebody's own name for a spec.
# Before a longer tail, as others make them, a number is known by its first digit: `2026-01-24-fix-login` has none.
_OF_A_DAY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})-([0-9a-z]{3,4}(?=-[0-9a-z]{3}(?:\.|\Z))|[0-9][0-9a-z]{2,3}(?=-))-.+", re.DOTALL
)

SKELETON = """\

<!-- What is wanted, and why, for someone who sees this for the first time. -->

## Acceptance Criteria

- [ ] \n"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSpec:
    """A spec to write; `body` is what stands below its title, "" for nothing."""

    title: str
    type: str
    depends_on: tuple[SpecId, ...]
    labels: tuple[str, ...]
    body: str


def plan_spec_id(day: date, taken: Iterable[str], choose: Callable[[str], str]) -> SpecId:
    """A new id as chant makes them: the day, the next number of that day in base 36, three random characters.

    `choose` takes one letter of a text, as `random.choice` does.
    """
    matches = (_OF_A_DAY.fullmatch(spec_id) for spec_id in taken)
    numbers = [int(match[2], 36) for match in matches if match is not None and match[1] == day.isoformat()]
    tail = "".join(choose(DIGITS) for _ in range(3))
    return SpecId(f"{day.isoformat()}-{_render_number(max(numbers, default=0) + 1)}-{tail}")


def plan_member_id(driver: SpecId, taken: Iterable[SpecId]) -> SpecId:
    """The id of a driver's next member: one behind the last of its direct members."""
    members = (spec_id for spec_id in taken if spec_id.rpartition(".")[0] == driver)
    numbers = (find_member_number(member) for member in members)
    return SpecId(f"{driver}.{max((number for number in numbers if number is not None), default=0) + 1}")


def render_new_spec(new: NewSpec) -> str:
    """The file of a new spec, as chant writes one; a body that begins with the title does not get it twice."""
    keys: dict[str, Value] = {
        "type": new.type,
        "status": "pending",
        "depends_on": new.depends_on,
        "labels": new.labels,
    }
    head = [line for key, value in keys.items() if value for line in render_entry(key, value)]
    heading = f"# {new.title}"
    body = new.body.strip("\n")
    if body.partition("\n")[0].rstrip() == heading:
        body = body.partition("\n")[2].strip("\n")
    text = "\n".join(["---", *head, "---", "", heading, ""])
    return f"{text}\n{body}\n" if body else text


def _render_number(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return digits.rjust(3, "0")
