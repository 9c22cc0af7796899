"""The demo's project as text: eight small specs (a diamond, a driver with members, two labels) that need no agent."""

from collections.abc import Mapping
from datetime import date

from chant_tasks.values import dataclass

_DODO = """\
from chant_tasks import task_specs  # noqa: F401 - every spec becomes a doit task
"""

_CONFIG = """\
---
project:
  name: {name}
defaults:
  provider: script
---
# Settings of the demo

The provider `script` runs the shell lines that stand under `run:` in each spec. Real projects name an agent here,
or leave it to chant_tasks to find one.
"""

# `sed -i` takes its argument differently on Linux and on macOS, so the file is read whole and written back.
_TICK = """\
ticked=$(sed 's/^- \\[ \\]/- [x]/' "$CHANT_SPEC_FILE")
printf '%s\\n' "$ticked" > "$CHANT_SPEC_FILE"
"""

_PROGRAM = "printf 'for greeting in greetings/*.txt; do cat \"$greeting\"; done\\n' > greet.sh"

_DIAMOND = ((1, "one"), (2, "fra"), (3, "jpn"), (4, "all"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSpec:
    """One spec of the demo: `run` is a shell script, "" for a driver; `needs` None leaves the key out."""

    id: str
    title: str
    label: str
    run: str = ""
    needs: tuple[str, ...] | None = ()
    criteria: tuple[str, ...] = ()


def plan_demo_specs(day: date) -> tuple[DemoSpec, ...]:
    """The eight specs, with ids of that day."""
    diamond = _plan_diamond(day)
    licence = DemoSpec(
        id=f"{day}-006-lic",
        title="Add a license",
        label="docs",
        run=_commit("echo 'Do with it what you like.' > LICENSE", "Add a license"),
        criteria=("LICENSE is there",),
    )
    return (*diamond, *_plan_driver(f"{day}-005-doc", diamond[-1].id), licence)


def _plan_diamond(day: date) -> tuple[DemoSpec, ...]:
    """One spec, two that need it, and one that needs both."""
    first, french, japanese, every = (f"{day}-00{number}-{tail}" for number, tail in _DIAMOND)
    return (
        DemoSpec(
            id=first,
            title="Greet in English",
            label="code",
            run=_commit("mkdir greetings\necho 'Good morning' > greetings/en.txt", "Greet in English"),
            criteria=("greetings/en.txt holds a greeting",),
        ),
        DemoSpec(
            id=french,
            title="Greet in French",
            label="code",
            run=_commit("echo 'Bonjour' > greetings/fr.txt", "Greet in French"),
            needs=(first,),
            criteria=("greetings/fr.txt holds a greeting",),
        ),
        DemoSpec(
            id=japanese,
            title="Greet in Japanese",
            label="code",
            run=_commit("echo 'Ohayou' > greetings/ja.txt", "Greet in Japanese"),
            needs=(first,),
            criteria=("greetings/ja.txt holds a greeting",),
        ),
        DemoSpec(
            id=every,
            title="Greet in every language at once",
            label="code",
            run=_commit("test -f greetings/fr.txt\ntest -f greetings/ja.txt\n" + _PROGRAM, "Greet everybody"),
            needs=(french, japanese),
            criteria=("greet.sh prints every greeting", "a new language needs no change of it"),
        ),
    )


def _plan_driver(driver: str, need: str) -> tuple[DemoSpec, ...]:
    """A driver with its two members."""
    return (
        DemoSpec(id=driver, title="Document the program", label="docs", needs=(need,)),
        DemoSpec(
            id=f"{driver}.1",
            title="Write the README",
            label="docs",
            run=_commit("printf '# Greetings\\n\\nRun `sh greet.sh`.\\n' > README.md", "Add a README"),
            needs=None,
            criteria=("README.md says how to run the program",),
        ),
        DemoSpec(
            id=f"{driver}.2",
            title="Show a run in the README",
            label="docs",
            # what an agent leaves uncommitted is committed for it
            run="{ printf '\\nIt prints:\\n\\n'; sh greet.sh | sed 's/^/    /'; } >> README.md\n" + _TICK,
            needs=None,
            criteria=("README.md shows what the program prints",),
        ),
    )


def plan_demo_files(day: date, name: str) -> Mapping[str, str]:
    """Every file of the demo's first commit, by its path; `name` becomes part of the worktrees' paths."""
    specs = {f".chant/specs/{spec.id}.md": render_demo_spec(spec) for spec in plan_demo_specs(day)}
    return {"dodo.py": _DODO, ".chant/config.md": _CONFIG.format(name=name), **specs}


def render_demo_spec(spec: DemoSpec) -> str:
    """The spec's file."""
    lines = ["---", f"type: {'code' if spec.run else 'driver'}", "status: pending", "labels:", f"- {spec.label}"]
    if spec.needs:
        lines += ["depends_on:", *(f"- {need}" for need in spec.needs)]
    if spec.run:
        lines += ["run: |", *(f"  {line}" for line in f"sleep 1\n{spec.run}".splitlines())]
    lines += ["---", "", f"# {spec.title}"]
    if spec.criteria:
        lines += ["", "## Acceptance Criteria", "", *(f"- [ ] {text}" for text in spec.criteria)]
    return "\n".join(lines) + "\n"


def _commit(change: str, message: str) -> str:
    return f"{change}\n{_TICK}git add -A\ngit commit -q -m '{message}'\n"
