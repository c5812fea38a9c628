"""Nothing that was deleted stays in a SQLite file: the gaps of its pages, its log, what other connections hold."""

import random
import re
import subprocess
import sys

import pytest

from baoguan.backends.sqlite import connect
from baoguan.backends.sqlite.engine import sqlite3
from baoguan.backends.sqlite.slack import COUNTS, counted, scrub

SCHEMA = f"""
{COUNTS}
CREATE TABLE IF NOT EXISTS told (url TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plain (n INTEGER PRIMARY KEY, text TEXT);
CREATE INDEX IF NOT EXISTS plain_text ON plain (text);
"""


def mark(number):
    """A text that stands for one row, and is found by its bytes."""
    return f"<{number * 2654435761 % (1 << 32):010d}-{number}>"


class House:
    """A file, what stands in it and what was deleted."""

    def __init__(self, folder, seed):
        self.path = folder / "some.sqlite"
        self.db = connect(self.path, SCHEMA)
        self.dice = random.Random(seed)
        self.held = {}
        self.gone = set()
        self.next = 0

    def work(self, rounds, each=40):
        """Transactions of rows that come in, are told anew at another length, and go."""
        for _ in range(rounds):
            with counted(self.db):
                for _ in range(each):
                    self.step()

    def step(self):
        if self.held and self.dice.random() < 0.3:
            number = self.dice.choice(list(self.held))
            text = self.held.pop(number)
            self.db.execute("DELETE FROM told WHERE title = ?", (text,))
            self.db.execute("DELETE FROM plain WHERE n = ?", (number,))
        elif self.held and self.dice.random() < 0.2:
            number = self.dice.choice(list(self.held))
            text, self.held[number] = self.held[number], self.text()
            told = (f"{mark(number)} {self.held[number][:90]}", self.held[number], text)
            self.db.execute("UPDATE told SET url = ?, title = ? WHERE title = ?", told)
            self.db.execute("UPDATE plain SET text = ? WHERE n = ?", (self.held[number], number))
        else:
            number, text = self.dice.getrandbits(40), self.text()
            self.held[number] = text
            self.db.execute("INSERT INTO told VALUES (?,?)", (f"{mark(number)} {text[:90]}", text))
            self.db.execute("INSERT INTO plain VALUES (?,?)", (number, text))
            return
        self.gone.add(text[: text.index(">") + 1].encode())

    def text(self):
        self.next += 1
        size = self.dice.choice((20, 60, 200, 900, 9000)) if self.dice.random() < 0.9 else 30000
        return mark(self.next) + "x" * self.dice.randrange(1, size)

    def left(self):
        data = b"".join(path.read_bytes() for path in self.path.parent.glob("some.sqlite*"))
        return sorted(self.gone.intersection(re.findall(rb"<\d{10}-\d+>", data)))

    def check(self):
        assert self.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert dict(self.db.execute("SELECT n, text FROM plain")) == self.held
        assert sorted(row[0] for row in self.db.execute("SELECT title FROM told")) == sorted(self.held.values())


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path, 7)
    yield made
    made.db.close()


def fold(db):
    assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_was_deleted_is_left(tmp_path, seed):
    house = House(tmp_path, seed)
    house.work(40)
    fold(house.db)
    assert house.left(), "secure_delete alone would do: this test shows nothing"
    assert scrub(house.path)
    assert house.left() == []
    house.check()
    house.work(20)
    assert scrub(house.path)
    assert house.left() == []
    house.check()
    house.db.close()


@pytest.mark.parametrize("between", ["nothing", "folded", "reopened", "much"])
def test_after_the_first_time_what_changed_is_enough(house, between):
    house.work(30)
    assert scrub(house.path, is_counted=True)
    assert house.left() == []
    for _ in range(6):
        house.work(60 if between == "much" else 5)
        if between == "folded":
            fold(house.db)
            house.work(1)
        if between == "reopened":
            house.db.close()
            house.db = connect(house.path, SCHEMA)
        assert scrub(house.path, is_counted=True)
        assert house.left() == []
    house.check()


def test_what_changed_is_found_in_the_log(house, monkeypatch):
    house.work(30)
    assert scrub(house.path, is_counted=True)
    looked = []
    real = sys.modules[scrub.__module__].zero_gaps
    monkeypatch.setattr(f"{scrub.__module__}.zero_gaps", lambda *args: (looked.append(args[2]), real(*args)))
    house.work(1, each=2)
    assert scrub(house.path, is_counted=True)
    house.db.execute("DELETE FROM told WHERE url = (SELECT url FROM told LIMIT 1)")  # nobody has counted this one
    assert scrub(house.path, is_counted=True)
    assert 1 < len(looked[0]) < 60
    assert looked[1] is None


def test_another_connection_brings_no_gap_back(house):
    house.work(40)
    fold(house.db)
    assert house.left()
    other = connect(house.path, SCHEMA)
    other.execute("PRAGMA cache_size = 100000")
    assert other.execute("SELECT sum(length(title)) FROM told").fetchone()[0]
    assert other.execute("SELECT sum(length(text)) FROM plain INDEXED BY plain_text").fetchone()[0]
    assert scrub(house.path)
    with counted(other):
        other.execute("UPDATE told SET title = substr(title, 2) || '>'")
        other.execute("UPDATE told SET title = '<' || substr(title, 1, length(title) - 1)")
    fold(other)
    assert house.left() == []
    other.close()
    house.check()


def test_a_reader_of_old_pages_is_waited_for_and_told(house):
    house.work(20)
    reader = sqlite3.connect(house.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM told").fetchone()
    house.work(1)
    assert not scrub(house.path, wait_s=0)
    reader.execute("ROLLBACK")
    assert scrub(house.path, wait_s=0)
    assert house.left() == []
    reader.close()


def test_a_file_with_a_map_of_pages_is_written_anew(tmp_path):
    with sqlite3.connect(tmp_path / "some.sqlite") as db:
        db.execute("PRAGMA auto_vacuum = FULL")
        db.execute("CREATE TABLE first (n)")
    db.close()
    house = House(tmp_path, 3)
    house.work(40)
    assert scrub(house.path)
    assert house.left() == []
    house.check()
    house.db.close()


def test_locks_of_this_process_stay(house):
    house.work(5)
    assert scrub(house.path)
    house.work(1)
    log = house.path.with_name("some.sqlite-wal")
    assert log.stat().st_size
    script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT * FROM told').fetchone()"
    subprocess.run([sys.executable, "-c", f"{script}; db.close()", str(house.path)], check=True)
    # Whoever closes a file as the last one takes its log away: that other process was not the last one.
    assert log.exists()
    house.check()
