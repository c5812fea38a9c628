"""Pulling from real static hosts: whole, byte for byte, only what is new, taken up again after a kill."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mirror_hosts import LOOPBACK, append, check, files, open_writer, pull

from baoguan.app import open_desk
from baoguan.errors import ConfigError


def current(folder: Path) -> dict[str, bytes]:
    """The files of the origin that its checkpoint needs: older partial ones are left to the origin."""
    every = files(folder)
    return {
        path: data
        for path, data in every.items()
        if ".p/" not in path or path in {_last(path, every) for path in every if ".p/" in path}
    }


def _last(path: str, every: dict[str, bytes]) -> str:
    base = path.rpartition("/")[0]
    return max(
        (other for other in every if other.startswith(base + "/")),
        key=lambda p: int(p.rpartition("/")[2].partition(".")[0]),
    )


def test_a_first_pull_is_byte_for_byte_the_origin_and_verifies(origin, tmp_path, serve):
    report = pull(tmp_path / "m", serve(origin / "public"))
    assert (report.size, report.old_size, report.absent) == (303, 0, 0)
    assert current(tmp_path / "m") == current(origin)
    assert check(tmp_path / "m").faults == ()
    with open_desk(tmp_path / "m") as desk:
        assert desk.catalog.counts()[0] == 300


def test_a_second_pull_asks_only_for_what_is_new(origin, tmp_path, serve):
    url = serve(origin / "public")
    pull(tmp_path / "m", url)
    assert pull(tmp_path / "m", "").requests == 1
    writer = open_writer(origin, seed="more")
    for count in (50, 170):
        append(writer, count, captures=False)
        report = pull(tmp_path / "m", "", options={"mirror_media": "none"})
        assert (report.bundles, report.articles) == (1 if count == 50 else 2, report.articles)
        assert report.requests <= 8
        assert check(tmp_path / "m").faults == ()
    pull(tmp_path / "m", "")
    assert current(tmp_path / "m") == current(origin)


def test_others_pull_from_the_mirror(origin, tmp_path, serve):
    pull(tmp_path / "a", serve(origin / "public"))
    pull(tmp_path / "b", serve(tmp_path / "a" / "public"))
    assert files(tmp_path / "b") == files(tmp_path / "a")


def test_pythons_own_server_without_ranges_will_do(origin, tmp_path, scripted):
    pull(tmp_path / "m", scripted(origin / "public").url)
    assert current(tmp_path / "m") == current(origin)


@pytest.mark.parametrize(("media", "captures"), [("none", "none"), ("recent", "all"), ("all", "none")])
def test_what_is_left_out_by_choice_is_no_fault_and_can_be_had_later(origin, tmp_path, serve, media, captures):
    url = serve(origin / "public")
    pull(tmp_path / "m", url, options={"mirror_media": media, "mirror_captures": captures})
    held = {path.partition("/")[0] for path in files(tmp_path / "m")}
    # The origin's entries are of 2026-03: older than any recent days by now.
    assert ("media" in held) == (media == "all")
    assert ("captures" in held) == (captures == "all")
    assert check(tmp_path / "m").faults == ()
    pull(tmp_path / "m", "", options={"mirror_media": "all", "mirror_captures": "all"})
    assert current(tmp_path / "m") == current(origin)


def test_recent_prunes_what_grew_old(origin, tmp_path, serve):
    url = serve(origin / "public")
    pull(tmp_path / "m", url)
    report = pull(tmp_path / "m", "", options={"mirror_media": "recent"})
    assert report.pruned == 75
    assert check(tmp_path / "m").faults == ()


def test_a_full_bundle_answers_for_a_partial_one(origin, tmp_path, scripted):
    host = scripted(origin / "public")
    head = (origin / "public" / "checkpoint").read_bytes()
    append(open_writer(origin, seed="more"), 300)

    def twist(path, answer):
        if path == "checkpoint":
            answer.body = head

    host.twist = twist
    assert pull(tmp_path / "m", host.url).size == 303
    assert check(tmp_path / "m").faults == ()
    host.twist = lambda _path, _answer: None
    pull(tmp_path / "m", "")
    assert current(tmp_path / "m") == current(origin)


@pytest.mark.parametrize("delay_s", [0.35, 0.6, 0.9, 1.2])
def test_killed_at_any_moment_the_next_pull_goes_on(origin, tmp_path, scripted, delay_s):
    host = scripted(origin / "public")

    def slow(_path, answer):
        time.sleep(0.01)

    host.twist = slow
    mirror = tmp_path / "m"
    command = [
        sys.executable,
        "-m",
        "baoguan",
        "mirror",
        "pull",
        host.url,
        str(mirror),
        "--allow",
        LOOPBACK,
        "--pace",
        "0",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    host.twist = lambda _path, _answer: None
    asked = len(host.log)
    pull(mirror, host.url)
    assert current(mirror) == current(origin)
    assert check(mirror).faults == ()
    assert len(host.log) - asked < 100
    assert not (mirror / "state" / "pull.names").exists()


def test_an_archive_or_a_strangers_folder_is_not_pulled_into(origin, tmp_path, serve):
    with pytest.raises(ConfigError, match="of its own"):
        pull(origin, serve(origin / "public"))
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").write_text("")
    with pytest.raises(ConfigError, match="holds other files"):
        pull(tmp_path / "x", "http://127.0.0.1:1/")
    with pytest.raises(ConfigError, match="--allow"):
        pull(tmp_path / "y", "http://127.0.0.1:64999/", allow=())
    with pytest.raises(ConfigError, match="no address"):
        pull(tmp_path / "y", "ftp://x/")
