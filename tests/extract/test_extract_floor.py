"""The quality floor: measured on a fixed sample of the shared pages; the figures in extract_floor.json only rise."""

import hashlib
import importlib.util
import io
import json
import os
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
import zstandard

from baoguan.extract.batch import row
from bench.extract_meta import score_meta, score_others

FLOOR = json.loads((Path(__file__).parent / "extract_floor.json").read_text())


def unpack(shared: Path, target: Path) -> list[Path]:
    """Every n-th page of news sources with its gold."""
    data = shared / "data/extract"
    (target / "dev").mkdir()
    (target / "index.tsv").write_bytes((data / "index.tsv").read_bytes())
    chosen = []
    with (data / "dev.tar.zst").open("rb") as packed:
        stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed)
        with tarfile.open(fileobj=io.BufferedReader(stream), mode="r|") as tar:  # type: ignore[arg-type]
            for member in tar:
                name = member.name.rsplit("/", 1)[-1]
                stem = name.rsplit(".", 1)[0]
                if not name.startswith(("fundus__", "sh__", "gne__", "traf__")):
                    continue
                if int(hashlib.sha256(stem.encode()).hexdigest(), 16) % FLOOR["every"]:
                    continue
                file = tar.extractfile(member)
                assert file is not None
                (target / "dev" / name).write_bytes(file.read())
                if name.endswith(".html"):
                    chosen.append(target / "dev" / name)
    return sorted(chosen)


def scorer(shared: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("EXTRACT_DATA", str(target))
    monkeypatch.setenv("EXTRACT_OUT", str(target))
    spec = importlib.util.spec_from_file_location("extract_score", shared / "score/extract_score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_floor(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256((shared / "data/extract/dev.tar.zst").read_bytes()).hexdigest()
    if digest != FLOOR["sha256"]:
        pytest.skip("another corpus than the one that the floor was measured on")
    pages = unpack(shared, tmp_path)
    assert len(pages) == FLOOR["pages"]
    rows = [row(path.name, path.read_bytes(), "") for path in pages]
    (tmp_path / "ours.jsonl").write_text("\n".join(rows) + "\n")
    score = scorer(shared, tmp_path, monkeypatch)
    measured = score.summ(score.score("ours", "dev")[0])
    elsewhere = score_others(rows, tmp_path / "dev", "traf")
    found = score_meta(rows, tmp_path / "dev") | {
        "title elsewhere": elsewhere["title"],
        "authors elsewhere": elsewhere["authors"],
        "day elsewhere": elsewhere["day"],
        "fundus": measured["fundus"][2],
        "sh": measured["sh"][2],
        "CJK": measured["CJK"][2],
        "segments": measured["seg"][2],
        "image recall": measured["img_fundus"][0],
        "image precision": measured["img_fundus"][1],
        "captions": measured["img_fundus"][2],
        "lead": measured["cover_fundus"][0],
    }
    if out := os.environ.get("BAOGUAN_FLOOR_OUT"):
        Path(out).write_text(json.dumps(found))
    below = {name: (found[name], least) for name, least in FLOOR["least"].items() if found[name] < least}
    assert not below
