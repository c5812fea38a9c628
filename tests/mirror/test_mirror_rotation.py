"""A log whose key was rotated: the mirror follows what the old key signed, and only that."""

from mirror_hosts import append, check, open_writer, pull

from baoguan.app import read_verifier
from baoguan.backends.clock import SystemEntropy
from baoguan.keyring import rotate


def test_a_mirror_follows_a_rotation(origin, tmp_path, scripted):
    url = scripted(origin / "public").url
    pull(tmp_path / "m", url)
    before = read_verifier(tmp_path / "m")
    rotate(origin, open_writer(origin, seed="key"), SystemEntropy())
    append(open_writer(origin, seed="more"), 30)
    report = pull(tmp_path / "m", url)
    assert report.size > 333
    assert read_verifier(tmp_path / "m") == read_verifier(origin) != before
    assert check(tmp_path / "m").faults == ()
    assert pull(tmp_path / "m", url).requests == 1
    pull(tmp_path / "late", url, key=before.text)
    assert read_verifier(tmp_path / "late") == read_verifier(origin)
    assert check(tmp_path / "late").faults == ()
