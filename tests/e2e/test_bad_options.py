"""Options and streams that make no sense: one line that says what would, and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.repository import BUILD, DODO, Repository, make_repository

A = "2026-01-24-001-aaa"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = make_repository(tmp_path_factory.mktemp("options") / "project", DODO + BUILD)
    made.write(".chant/config.md", "---\ndefaults: {provider: script}\n---\n")
    made.add_spec(A, frontmatter="labels: [auth]\n", run="touch worked")
    made.commit()
    return made


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("list --jsn", "list: option --jsn not recognized (did you mean --json?); doit help list lists its options."),
        ("list --state", "list: option --state requires argument; doit help list lists its options."),
        ("list --state redy", "unknown state `redy` (did you mean `ready`?)"),
        ("list --template {foo}", "list: the template `{foo}` may hold {name}, {doc} and, with -s, {status} only."),
        ("list --template {", "list: the template `{` may hold"),
        ("info --x aaa", "info: option --x not recognized; doit help info lists its options."),
        ("-n abc", "run: -n takes a number from 0, not `abc`."),
        ("-n -1", "run: -n takes a number from 0, not `-1`."),
        ("-n 99999999999999999999", "run: -n takes a number from 0, not `99999999999999999999`."),
        ("-n", "run: option -n requires argument"),
        ("--procces 2", "run: option --procces not recognized (did you mean --process?)"),
        ("specs --labl auth", "specs: option --labl not recognized; it has --label LABEL only."),
        ("specs --label", "specs: option --label requires argument; it has --label LABEL only."),
        ("label:aut", "Did you mean label:auth?"),
        ("lits", "Did you mean list"),
        ("spec-lnit", "Did you mean spec-lint or spec-init"),
        ("help spec-lnit", "Did you mean spec-lint or spec-init"),
        ("spec-land label:aut", "no spec is named `label:aut` (did you mean label:auth?); doit list shows all."),
        ("forget --zz", "forget: option --zz not recognized"),
        ("spec-add x --labl a", "spec-add: option --labl not recognized (did you mean --label?)"),
        ("spec-attempts --prune 999999d", "--prune takes a time such as 30d or 12h, not `999999d`."),
        ("spec-attempts --restore aaa/²", "`aaa/²` names no attempt: it must be ID or ID/N."),
        ("spec-attempts --restore aaa --prune 1d", "--restore takes its specs itself"),
        (f"spec-log aaa --attempt {'9' * 5000}", f"spec-log: --attempt takes a number, not `{'9' * 59}…`."),
        ("spec-reject aaa", 'spec-reject: say why:  --why "what is missing"'),
        ("spec-demo --dir /proc/x", "the folder cannot be made: no such file or directory: /proc/x"),
        (f"info {'x' * 100_000}", "Must be a task, or a target."),
    ],
)
def test_what_an_option_cannot_mean_is_said_in_one_line(repository: Repository, line: str, said: str) -> None:
    done = repository.doit(*line.split(" "))

    assert done.status == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "CmdOption" not in done.stderr
    assert not (repository.folder / "worked").exists()


def test_an_unknown_label_is_said_with_the_nearest(repository: Repository) -> None:
    done = repository.doit("list", "--label", "aut")

    assert (done.status, done.stderr.strip()) == (0, "no spec has the label `aut` (did you mean `auth`?)")


def test_a_demo_inside_a_repository_leaves_that_as_it_is(repository: Repository) -> None:
    before = repository.git("config", "--local", "--list")

    done = repository.doit("spec-demo", "--dir", "a demo")

    assert done.status == 0, done.stderr
    assert (repository.folder / "a demo" / ".git").is_dir()
    assert repository.git("config", "--local", "--list") == before


def run_shell(repository: Repository, line: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ("sh", "-c", line.replace("doit", f"{sys.executable} -m doit")),
        cwd=repository.folder,
        env=repository.environment(),
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "command", ["list", "list --json", "info aaa", "spec-lint --json", "spec-attempts --json", "list --config"]
)
@pytest.mark.parametrize("stream", ["| head -0", ">&-", "2>&-", ">/dev/full", "<&-"])
def test_a_stream_that_is_closed_or_full_brings_no_traceback(repository: Repository, command: str, stream: str) -> None:
    if stream == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("this system has no full device")

    said = run_shell(repository, f"doit {command} {stream}").stderr.decode()

    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert ("the answer cannot be written: no space left on device" in said) == (stream == ">/dev/full")


@pytest.mark.parametrize("data", [b"a\0b", b"\xff\xfe\x00", bytes(range(256))])
def test_what_is_no_text_on_standard_input_makes_no_spec(repository: Repository, data: bytes) -> None:
    before = sorted((repository.folder / ".chant" / "specs").iterdir())

    done = run_shell(repository, "doit spec-add 'A title'", data)

    assert done.returncode == 1
    assert b"on standard input is" in done.stderr
    assert sorted((repository.folder / ".chant" / "specs").iterdir()) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"COLUMNS": "0", "FORCE_COLOR": "1"},
        {"COLUMNS": "1", "FORCE_COLOR": "1"},
        {"COLUMNS": "-5", "FORCE_COLOR": "1"},
        {"COLUMNS": "9" * 400, "FORCE_COLOR": "1"},
        {"TERM": "dumb"},
        {"HOME": "/nowhere"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_no_terminal_and_no_locale_brings_a_traceback(repository: Repository, changes: dict[str, str]) -> None:
    for arguments in (("list",), ("info", "aaa"), ("spec-lint",)):
        done = repository.doit(*arguments, env=changes)

        assert (done.status, "Traceback" in done.stderr) == (0, False), done.stderr
        assert "●" not in done.stdout or "LC_ALL" not in changes
