"""user add, passwd, app-password, list, delete; filter add, try, run, list, delete."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baoguan.cli.common import archive_option, print_json, when

if TYPE_CHECKING:
    from baoguan.model.account import User
    from baoguan.web.accounts_desk import AppDesk
    from baoguan.web.accounts_login import Doorkeeper
    from baoguan.web.accounts_state import Account

json_option = click.option("--json", "as_json", is_flag=True, help="one JSON object")


@click.group()
def user() -> None:
    """Accounts: for the apps, and for read marks, stars and folders in the reader. Without one all of that is off."""


@contextmanager
def _door(folder: Path) -> Iterator["Doorkeeper"]:
    from baoguan import config
    from baoguan.backends.clock import SystemClock, SystemEntropy
    from baoguan.web.accounts_login import Doorkeeper
    from baoguan.web.accounts_store import open_accounts

    accounts = open_accounts(folder, config.load(config.read_file(folder)))
    try:
        yield Doorkeeper(accounts, SystemClock(), SystemEntropy())
    finally:
        accounts.close()


def _known(door: "Doorkeeper", name: str) -> "User":
    from baoguan.errors import NotFound

    found = door.accounts.user(name)
    if found is None:
        raise NotFound(f"no user {name}; `baoguan user list` names them")
    return found


def _password() -> str:
    """Typed twice on a terminal, else the first line of standard input: never an argument that others can see."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@user.command()
@archive_option
@click.argument("name")
def add(folder: Path, *, name: str) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    with _door(folder) as door:
        made = door.add(name, _password())
    click.echo(f"{made.name}: made; for an app: `baoguan user app-password {made.name} APP`")


@user.command()
@archive_option
@click.argument("name")
def passwd(folder: Path, *, name: str) -> None:
    """Change a password. Ends the sessions and tokens of the user; app passwords stay."""
    with _door(folder) as door:
        found = _known(door, name)
        door.accounts.set_password(found.id, door.hashed(_password()))
    click.echo(f"{found.name}: changed; logged out everywhere")


@user.command("app-password")
@archive_option
@click.argument("name")
@click.argument("label")
@click.option("--revoke", is_flag=True, help="take back those of that label instead")
def app_password(folder: Path, *, name: str, label: str, revoke: bool) -> None:
    """A password for one app, shown only now. LABEL says which app, so that it can be taken back alone.

    Good for Google Reader, Miniflux (also as its API key), Fever and Nextcloud News.
    """
    from baoguan.errors import NotFound

    with _door(folder) as door:
        found = _known(door, name)
        if not revoke:
            click.echo(door.app_password(found, label[:100]))
            return
        gone = [one for one in door.accounts.secrets(found.id) if one.kind == "app" and one.label == label]
        for one in gone:
            door.accounts.delete_secret(one.digest)
        if not gone:
            raise NotFound(f"{found.name} has no app password {label}; `baoguan user list` names them")
    click.echo(f"{found.name}: {label} can log in no more")


@user.command("list")
@archive_option
@json_option
def list_(folder: Path, *, as_json: bool) -> None:
    """Accounts, and the apps that have a password."""
    with _door(folder) as door:
        rows = [
            {
                "name": one.name,
                "created_ms": one.created_ms,
                "apps": sorted({s.label for s in door.accounts.secrets(one.id) if s.kind == "app"}),
            }
            for one in door.accounts.users()
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']:<20} since {when(int(str(row['created_ms'])))}  {', '.join(row['apps'])}")  # type: ignore[arg-type]
    if not rows:
        click.echo("no account: `baoguan user add NAME` makes one")


@user.command()
@archive_option
@click.argument("name")
@click.option("--yes", is_flag=True, help="don't ask")
def delete(folder: Path, *, name: str, yes: bool) -> None:
    """Delete an account with all of its marks, folders and passwords. The archive isn't touched."""
    with _door(folder) as door:
        found = _known(door, name)
        if not yes:
            click.confirm(f"Delete {found.name} and all marks of this account?", abort=True, err=True)
        door.accounts.delete_user(found.id)
    click.echo(f"{found.name}: deleted")


@click.group("filter")
def filter() -> None:  # noqa: A001 - the command's name
    """Filters of an account: a query of the search language, and what happens to new articles that it finds."""


@contextmanager
def _account(folder: Path, name: str) -> Iterator[tuple["AppDesk", "Account"]]:
    from baoguan.app import open_desk
    from baoguan.errors import NotFound
    from baoguan.indexing import index_new
    from baoguan.web.accounts_desk import AppDesk
    from baoguan.web.accounts_store import open_accounts, read_secret
    from baoguan.web.desk_source import DeskSource

    with open_desk(folder) as desk:
        index_new(desk)
        accounts = open_accounts(desk.folder, desk.settings)
        apps = AppDesk(desk, DeskSource(desk), accounts, read_secret(desk.folder, desk.entropy))
        try:
            found = accounts.user(name)
            if found is None:
                raise NotFound(f"no user {name}; `baoguan user list` names them")
            yield apps, apps.account(found)
        finally:
            apps.close()
            accounts.close()


ACTIONS = click.Choice(["read", "star", "later", "label", "hide"])


@filter.command("add")
@archive_option
@click.argument("user_name", metavar="USER")
@click.argument("name")
@click.argument("query")
@click.argument("action", type=ACTIONS)
@click.option("--label", default="", help="for the action label")
def filter_add(folder: Path, *, user_name: str, name: str, query: str, action: Any, label: str) -> None:
    """Make a filter, or change that of the same NAME. It acts on what comes from now on; `filter run` does the rest."""
    from baoguan.model.account import Filter
    from baoguan.web.accounts_filters import add_filter

    with _account(folder, user_name) as (_, account):
        add_filter(account, Filter(name=name, query=query, action=action, label=label))
    click.echo(f"{name}: {action} what `{query}` finds, from now on")


@filter.command("try")
@archive_option
@click.argument("user_name", metavar="USER")
@click.argument("query")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="list so many")
@json_option
def filter_try(folder: Path, *, user_name: str, query: str, limit: int, as_json: bool) -> None:
    """What a filter of that query would act on, among the articles that are here. Changes nothing."""
    from baoguan.web.accounts_filters import found

    with _account(folder, user_name) as (apps, account):
        items = found(apps.desk, apps.shelf, query)
        unread = sum(not account.is_read(item) for item in items)
        shown = [row for item in items[:limit] if (row := apps.desk.catalog.article(item.id)) is not None]
    if as_json:
        print_json({"found": len(items), "unread": unread, "articles": shown})
        return
    for row in shown:
        click.echo(f"{row.id} {when(row.shown_ms)} {row.outlet:<10} {row.title}")
    click.echo(f"{len(items)} found, {unread} of them unread; nothing was changed")


@filter.command("run")
@archive_option
@click.argument("user_name", metavar="USER")
@click.argument("name")
def filter_run(folder: Path, *, user_name: str, name: str) -> None:
    """Let a filter act on the articles that are here already."""
    from baoguan.web.accounts_filters import act, found

    with _account(folder, user_name) as (apps, account):
        one = _filter(account, name)
        count = act(account, one, found(apps.desk, apps.shelf, one.query))
    click.echo(f"{name}: {one.action}, {count} articles")


def _filter(account: "Account", name: str) -> Any:
    from baoguan.errors import NotFound

    one = next((one for one in account.filters if one.name == name), None)
    if one is None:
        raise NotFound(f"{account.user.name} has no filter {name}; `baoguan filter list` names them")
    return one


@filter.command("list")
@archive_option
@click.argument("user_name", metavar="USER")
@json_option
def filter_list(folder: Path, *, user_name: str, as_json: bool) -> None:
    """The filters of an account."""
    with _account(folder, user_name) as (_, account):
        filters = account.filters
    if as_json:
        print_json(filters)
        return
    for one in filters:
        click.echo(f"{one.name:<20} {one.action:<6} {one.label:<12} {one.query}")
    if not filters:
        click.echo("no filter: `baoguan filter add`")


@filter.command("delete")
@archive_option
@click.argument("user_name", metavar="USER")
@click.argument("name")
def filter_delete(folder: Path, *, user_name: str, name: str) -> None:
    """Delete a filter; what it did stays."""
    with _account(folder, user_name) as (_, account):
        gone = _filter(account, name)
        account.set_filters(one for one in account.filters if one != gone)
    click.echo(f"{name}: deleted")
