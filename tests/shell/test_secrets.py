"""No secret stays behind: not in the output, not in the run folder, whatever the verbosity and the outcome."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.shell.conftest import Project

pytestmark = pytest.mark.usefixtures("unmeasured")

JWT = re.compile(r"eyJ[\w-]{20,}")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_failing_run_shows_no_secret(project: Project, workers: tuple[str, ...]) -> None:
    project.write("{rejected_tokens: 100 %}")
    project.pytester.makeconftest(
        """
        import json, pathlib, pytest

        @pytest.fixture(autouse=True)
        def _copy_of_the_secrets(pytestconfig):
            for file in pytestconfig.rootpath.glob(".syncload/*/environment.json"):
                told = json.loads(file.read_text())["sandbox"]["announcement"]
                (pytestconfig.rootpath / "secrets.txt").write_text(pathlib.Path(told).read_text())
            yield
        """
    )
    result = project.run(
        "-m", "baseline", "-vv", "--tb=long", "--showlocals", "--log-level=DEBUG", "--junitxml=out.xml", *workers
    )
    told = json.loads((project.pytester.path / "secrets.txt").read_text("utf-8"))
    secrets = [told["aws"]["secret_access_key"], told["firebase"]["api_key"], "PRIVATE KEY"]
    written = [file.read_text("utf-8") for file in _files(project.run_folder)]
    for text in [*result.outlines, *result.errlines, *written, (project.pytester.path / "out.xml").read_text("utf-8")]:
        assert not any(secret in text for secret in secrets)
        assert not JWT.search(text)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
