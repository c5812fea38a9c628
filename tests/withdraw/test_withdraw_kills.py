"""kill -9 before and after each step of a withdrawal; and two processes at once on one archive."""

import json
import subprocess
import sys
from pathlib import Path

from ingest_house import House, item, page, paragraphs

from newsroom import acts

HERE = Path(__file__).parent


def test_a_kill_at_any_step_is_finished_by_the_next_start(house: House) -> None:
    texts = paragraphs(4, "杀")
    url = house.room.url("voa", "/voa/a/kill.html")
    house.room.act(url, acts.answer(200, page("将被撤回的标题文字", *texts), content_type="text/html"))
    house.feed("voa", item("将被撤回的标题文字", url, "guid-of-the-killed", content=f"<p>{texts[0]}</p>"))
    house.sync()
    row = house.row("将被撤回的标题文字")
    house.room.behave(house.room.feed_url("voa"))
    house.sync()
    told = [*texts, row.title, url, "guid-of-the-killed"]
    command = [sys.executable, str(HERE / "killed.py"), str(house.folder), row.id, json.dumps(told)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(cases) == 20
    for case in cases:
        assert case["killed"], case
        assert case["begun"] == ((case["step"], case["after"]) != ("write_plan", False)), case
        assert case["faults"] == [], case
        assert case["left"] == [], case
        assert case["withheld"] >= 1, case
        assert not case["plan"], case
        assert case["denials"] == 1, case


def run(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "baoguan", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_sync_import_withdraw_ls_and_verify_at_once(house: House, tmp_path: Path) -> None:
    house.sync()
    rows = house.rows()
    source = tmp_path / "tree" / "articles" / "voa"
    source.mkdir(parents=True)
    for number in range(600):
        head = f"<!--16000000{number:05d}-->\n[标题第{number}号](https://www.voachinese.com/a/{number}.html)"
        (source / f"{1048000 - number}.md").write_text(
            f"{head}\n------\n\n<p>{paragraphs(1)[0]}{number}</p>\n", "utf-8"
        )
    for number in range(6):
        house.room.publish("voa", f"more-{number}", f"同时发生的新闻{number}", "\n\n".join(paragraphs(4, str(number))))
    place = str(house.folder)
    commands = [
        run("import", "-C", place, str(source.parent.parent)),
        run("sync", "--now", "-C", place),
        run("withdraw", "-C", place, rows[0].id, rows[1].id, "--reason", "privacy"),
        run("ls", "-C", place),
        run("verify", "-C", place),
        run("withdraw", "-C", place, rows[2].id, "--reason", "error"),
        run("ls", "-C", place, "--json"),
        run("verify", "-C", place),
    ]
    for process in commands:
        told, errors = process.communicate(timeout=120)
        assert "Traceback" not in errors, errors
        assert process.returncode == 0, (process.args, told[-500:], errors[-500:])
        assert len(errors.strip().splitlines()) <= 1, errors
    titles = {row.title for row in house.rows()}
    assert not titles & {row.title for row in rows[:3]}
    assert {f"同时发生的新闻{number}" for number in range(6)} <= titles
    assert sum(title.startswith("标题第") for title in titles) == 600
