"""Who sees what: without an account nothing is there, login = all closes pages and files, none has no login."""

from pathlib import Path

import pytest

from tests.apps.conftest import NAME, PASSWORD, Site, add_user

INTERFACES = (
    "/accounts/ClientLogin",
    "/reader/api/0/user-info",
    "/v1/me",
    "/fever/?api",
    "/index.php/apps/news/api/v1-2/feeds",
)


@pytest.mark.parametrize("login", ["apps", "none"])
def test_without_an_account_or_a_login_no_interface_is_there(archive: Path, login: str) -> None:
    if login == "none":
        add_user(archive)
    site = Site(archive, "", "--login", login)
    assert [site.ask(path).status for path in INTERFACES] == [404] * len(INTERFACES)
    assert site.ask("/").status == 200
    assert "Traceback" not in site.close()


def test_with_an_account_interfaces_ask_who_it_is(site: Site) -> None:
    site.auth = ""
    assert [site.ask(path).status for path in INTERFACES[:3] + INTERFACES[4:]] == [401] * 4
    assert site.ask("/fever/?api").json["auth"] == 0


def test_login_all_closes_pages_and_files(archive: Path) -> None:
    password = add_user(archive)
    site = Site(archive, password, "--login", "all")
    for path in (
        "/",
        "/feed.atom",
        "/outlets",
        "/archive/checkpoint",
        "/search?q=a",
        "/status",
        "/nothing",
        "//",
        "/M/x",
    ):
        assert site.ask(path).status == 401, path
        assert site.ask(path).headers["www-authenticate"].startswith("Basic")
    import base64

    for word in (PASSWORD, password):
        site.auth = "Basic " + base64.b64encode(f"{NAME}:{word}".encode()).decode()
        assert site.ask("/feed.atom").status == 200
    site.auth = "Basic " + base64.b64encode(f"{NAME}:wrong wrong".encode()).decode()
    assert site.ask("/").status == 401
    site.login()
    assert site.ask("/reader/api/0/user-info").status == 200
    assert "Traceback" not in site.close()
