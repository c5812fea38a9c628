"""The rules of the house that no linter knows: sizes, async, lazy imports, docs that don't lag."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "baoguan").rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MODULE_LINES, f"{path.name}: over {MODULE_LINES} lines"
    for node in functions(ast.parse(text)):
        assert node.end_lineno is not None
        assert node.end_lineno - node.lineno < FUNCTION_LINES, (
            f"{path.name}: {node.name} is over {FUNCTION_LINES} lines"
        )


def test_one_sqlite_in_a_process() -> None:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            if any(name.partition(".")[0] in ("sqlite3", "pysqlite3") for name in names):
                found.add(path.name)
    assert found == {"engine.py"}, "take it from backends.sqlite.engine"


def test_async_only_in_fetch_and_web() -> None:
    for path in SOURCES:
        if path.parent.name in ("fetch", "web"):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        found = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
        assert not found, f"{path}: async belongs into fetch/ and web/"


def test_public_things_have_docstrings() -> None:
    missing = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        if not ast.get_docstring(tree) and path.name != "py.typed":
            missing.append(str(path))
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and node.name[0] != "_"
            if public and not ast.get_docstring(node):
                missing.append(f"{path.name}: {node.name}")
    assert not missing


@pytest.mark.parametrize("command", [["--help"], ["verify", "--help"], ["ls", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys\nfrom baoguan.cli.main import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiohttp', 'starlette', 'selectolax', 'lxml', 'PIL', 'nh3', 'jinja2', 'uvicorn', 'trafilatura'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("HEAVY []")


def test_public_names_are_pinned() -> None:
    import baoguan

    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert sorted(baoguan.__all__) == list(baoguan.__all__)
    api = (ROOT / "docs" / "api.md").read_text("utf-8")
    for name in baoguan.__all__:
        assert f"`baoguan.{name}`" in reference
        assert f"- `baoguan.{name}`:" in api
        assert getattr(baoguan, name).__doc__


def test_the_api_is_told() -> None:
    from baoguan.web.api_table import OPERATIONS

    api = (ROOT / "docs" / "api.md").read_text("utf-8")
    for one in OPERATIONS:
        (row,) = [line for line in api.splitlines() if line.startswith(f"| `{one.path}` |")]
        for param in one.params:
            assert param.place == "path" or f"`{param.name}`" in row, f"docs/api.md: {one.path} {param.name}"


def test_reference_is_what_the_program_says() -> None:
    from baoguan.cli.reference import reference

    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference(), "./run docs"


def test_reference_tells_every_command_and_setting() -> None:
    from baoguan.cli.main import COMMANDS, EXITS
    from baoguan.config import table

    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    for name in COMMANDS:
        assert f"### baoguan {name}" in reference, f"docs/reference.md: baoguan {name} is missing"
    for row in table():
        assert f"`{row.name}`" in reference, f"docs/reference.md: {row.name} is missing"
        assert f"`{row.env}`" in reference
    for code in EXITS:
        assert f"| {code} |" in reference


def test_formats_tells_every_field_of_the_manifest() -> None:
    import msgspec

    from baoguan.model.log import KINDS, Leaf, ManifestLine, MediaRef

    formats = (ROOT / "docs" / "formats.md").read_text("utf-8")
    for record in (Leaf, ManifestLine, MediaRef):
        for field in msgspec.structs.fields(record):
            assert f"`{field.encode_name}`" in formats, f"docs/formats.md: {record.__name__}.{field.name} is missing"
    for kind in KINDS:
        assert f"`{kind}`" in formats


def test_readme_is_short_and_its_links_stand() -> None:
    import re

    for name in ("README.md", *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))):
        path = ROOT / name
        text = path.read_text("utf-8")
        if name == "README.md":
            assert text.count("\n") < 150
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (path.parent / link).exists(), f"{name}: {link} leads nowhere"
