"""This repository's own tasks, beside its own specs. `doit` alone runs `check`; specs are worked by name."""

import subprocess
import sys
from contextlib import suppress

from doit.exceptions import TaskFailed

from chant_tasks import task_specs

__all__ = ["task_specs"]

DOIT_CONFIG = {"default_tasks": ["check"], "verbosity": 2}

PYTHON_FILES = ["chant_tasks", "tests", "benchmarks", "dodo.py"]


def task_check():
    """Everything that must pass before a commit: format, lint, types, layers, tests"""
    return {"actions": None, "task_dep": ["format", "lint", "types", "layers", "tests"]}


def task_format():
    """Formatting, checked and not changed"""
    return {"actions": [["ruff", "format", "--check", "--quiet", *PYTHON_FILES]]}


def task_lint():
    """Lint"""
    return {"actions": [["ruff", "check", "--quiet", *PYTHON_FILES]]}


def task_types():
    """Types, strictly, of the package, its tests and benchmarks"""
    return {"actions": [["mypy", "--no-error-summary"]]}


def task_layers():
    """Imports point inward (docs/why/house.md)"""
    return {"actions": [["lint-imports", "--no-logo"]]}


def task_tests():
    """The test suite"""
    return {"actions": [["python", "-m", "pytest", "-q", "-n", "2"]]}


def task_upstream():
    """doit's own test suite with our commands and without (takes minutes, and packages from the registry)"""
    return {"actions": [["python", "-m", "tests.upstream.run_doit_suite"]], "verbosity": 2}


def task_fault_soak():
    """Kills, signals, full disks and the like at random, for --minutes N (--seed S, and --round R to repeat one)"""
    params = [
        {"name": "minutes", "long": "minutes", "type": float, "default": 5.0, "help": "for how long"},
        {"name": "seed", "long": "seed", "type": int, "default": 0, "help": "0: by chance"},
        {"name": "round", "long": "round", "type": int, "default": 0, "help": "0: one after the other, from the first"},
    ]
    command = "python -m tests.faults.soak --minutes %(minutes)s --seed %(seed)s --round %(round)s"
    return {"basename": "fault-soak", "actions": [command], "params": params, "verbosity": 2}


def task_agents_contract():
    """Every scenario with all seven real agents, and docs/agents.md's table of them (installs them by npm and pip)"""
    command = ["python", "-m", "tests.agents.contract"]
    return {"basename": "agents-contract", "actions": [command], "verbosity": 2}


def task_bench():
    """What it costs beside what it could cost (--only b1,b4 --quick --json FILE --compare OLD.json --folder DIR)"""
    params = [
        {"name": "only", "long": "only", "default": "", "help": "of b1 to b8, with commas between"},
        {"name": "quick", "long": "quick", "type": bool, "default": False, "help": "fewer and smaller runs"},
        {"name": "json", "long": "json", "default": "bench.json", "help": "where the figures are written to"},
        {"name": "compare", "long": "compare", "default": "", "help": "figures of another day: show what has changed"},
        {"name": "folder", "long": "folder", "default": "", "help": "work here: on a disk, or in memory"},
        {"name": "wants_help", "long": "help", "type": bool, "default": False, "help": "say what it can be told"},
    ]
    return {"actions": [(_run_benchmarks,)], "params": params, "verbosity": 2}


def _run_benchmarks(only, quick, json, compare, folder, wants_help):
    """Failed where not all was measured, without a word: the benchmarks have said why. Raises KeyboardInterrupt."""
    given = {"only": only, "json": json, "compare": compare, "folder": folder}
    options = [f"--{name}={value}" for name, value in given.items() if value]
    options += ["--quick"] if quick else []
    argv = [sys.executable, "-m", "benchmarks", *(["--help"] if wants_help else options)]
    process = subprocess.Popen(argv)
    while process.poll() is None:
        with suppress(KeyboardInterrupt):  # its own, too: it shows what was measured until then, and clears up
            process.wait()
    if process.returncode == 130:
        raise KeyboardInterrupt
    return None if process.returncode == 0 else TaskFailed("", report=False)


def task_tidy():
    """Format and mend what can be mended by machine"""
    return {
        "actions": [["ruff", "format", *PYTHON_FILES], ["ruff", "check", "--fix", *PYTHON_FILES]],
    }
