"""Fixtures that every part shares, and the rule that CI skips nothing."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real cases; skips by name where it is missing."""
    path = Path(os.environ.get("BAOGUAN_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("BAOGUAN_SHARED: the folder of real cases is missing")
    return path


def pytest_configure(config: pytest.Config) -> None:
    """Names our marker."""
    config.addinivalue_line("markers", "torture: long runs, only by ./run torture")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Torture runs only when it is asked for; it is deselected, not skipped."""
    if os.environ.get("BAOGUAN_TORTURE"):
        return
    left = [item for item in items if item.get_closest_marker("torture")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("torture")]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Under BAOGUAN_NO_SKIPS a skip is a failure that says what is missing."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("BAOGUAN_NO_SKIPS") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skips are forbidden here: {report.longrepr}"
