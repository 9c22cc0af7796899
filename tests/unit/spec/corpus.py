"""The real specs that lie beside a checkout; tests that need them skip, and say so, where they do not."""

from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "specs"

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real specs is not beside the checkout")


def load_corpus() -> list[bytes]:
    """The bytes of every real spec, by name; none where there is no corpus."""
    return [path.read_bytes() for path in sorted(CORPUS.glob("*.md"))]
