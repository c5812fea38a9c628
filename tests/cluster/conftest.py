"""The fake newsroom's house and Go's checker, as the tests of ingest and of the archive have them."""

import sys
from pathlib import Path

for name in ("ingest", "archive"):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / name))

from test_oracles import go_check  # noqa: E402 - found by the path above

__all__ = ["go_check"]
