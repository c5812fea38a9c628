"""Benchmarks: `./run bench NAME`. Each prints its figures beside the peer's, from one run."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("BAOGUAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))
"""Real cases, with gold where it is known."""
