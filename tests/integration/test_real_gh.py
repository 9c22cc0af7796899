"""The real `gh`, sent to a server on a socket of ours by its own setting `http_unix_socket`."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chant_tasks.journal.pushes import load_push
from chant_tasks.steps.publish import Publication, publish
from tests.forges import make_forge
from tests.integration.github_server import GitHubServer, serve
from tests.integration.repository import Repository

pytestmark = pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed")


@pytest.fixture
def github(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """GitHub, as the real gh knows it; branches go to a remote on the disk."""
    forge = make_forge(tmp_path)
    repository.git("remote", "add", "origin", str(forge.bare))
    repository.write(".chant/config.md", "---\ndefaults:\n  pr: true\ngit:\n  provider: github\n---\n")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, serve(Path(folder) / "socket") as server:
        (Path(folder) / "config.yml").write_text(f"http_unix_socket: {folder}/socket\n")
        monkeypatch.setenv("GH_CONFIG_DIR", folder)
        monkeypatch.setenv("GH_TOKEN", "ghp_0123456789abcdef")
        monkeypatch.setenv("GH_REPO", "you/project")
        yield server


def test_it_opens_a_pull_request_updates_it_and_its_refusals_are_quoted(
    repository: Repository, github: GitHubServer
) -> None:
    spec_id = repository.add_spec("a")
    repository.commit("spec")
    repository.work(spec_id)

    github.refusal = (401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
    unknown = publish(repository.prepare(), spec_id)
    github.refusal = (422, {"message": "Validation Failed", "errors": [{"message": "No commits between main and a"}]})
    refused = publish(repository.prepare(), spec_id)
    github.refusal = None
    opened = publish(repository.prepare(), spec_id)
    repository.discard(spec_id)
    repository.work(spec_id)
    updated = publish(repository.prepare(), spec_id)

    assert unknown == Publication(spec=spec_id, problem="gh: Bad credentials")
    assert refused == Publication(spec=spec_id, problem="gh: Validation Failed; No commits between main and a")
    assert opened == updated == Publication(spec=spec_id)
    (pull,) = github.pulls
    assert (pull["title"], pull["base"]) == ("Do a", {"ref": "main"})
    assert "- [x] it is done" in pull["body"]
    changes = [request for request in github.requests if request[0] in ("POST", "PATCH")]
    assert changes == [("POST", "/repos/you/project/pulls"), ("PATCH", "/repos/you/project/pulls/1")]
    record = load_push(repository.journal, spec_id)
    assert record is not None
    assert (record.url, record.number, record.problem) == ("https://github.com/you/project/pull/1", "1", "")
