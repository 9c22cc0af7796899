"""What it costs to start git through `subprocess`, and through `sh`: both alternate, the ratio of medians counts.

python benchmarks/git_start.py [runs]
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import sh


def main(runs: int) -> None:
    by_sh = sh.Command("git")
    ways: dict[str, Callable[[], object]] = {
        "subprocess": lambda: subprocess.run(("git", "version"), capture_output=True, check=True),
        "sh": lambda: by_sh("version"),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, start in ways.items():
            begun = time.perf_counter()
            start()
            times[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        sys.stdout.write(f"{name:<12} {median * 1000:6.2f} ms\n")
    sys.stdout.write(f"sh / subprocess  {medians['sh'] / medians['subprocess']:.1f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
