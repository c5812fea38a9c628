"""schemathesis on the running server: nothing answers 5xx, every answer is what openapi.json says."""

import subprocess
import sys
from pathlib import Path

from tests.api.conftest import Site


def test_schemathesis_finds_nothing(site: Site, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{site.url}api/v1/openapi.json"]
    done = subprocess.run(
        [*command, "--checks", "all", "--max-examples", "20", "--seed", "7", "--no-color", "--warnings", "off"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "15 selected / 15 total" in done.stdout
