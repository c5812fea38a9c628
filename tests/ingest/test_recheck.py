"""Looking at known pages again: over HTTP, and a year of it by a fake clock over the real schedule."""

from datetime import timedelta

import pytest
from ingest_house import House, item, page, paragraphs

from baoguan.config import Settings
from baoguan.polling import step_at
from bench.recheck import Plan, simulate
from newsroom import acts


def serve(house: House, path: str, title: str) -> str:
    url = house.room.url("voa", path)
    house.room.behave(url)
    house.room.act(url, acts.answer(200, page(title, *paragraphs(4, path)), content_type="text/html"))
    return url


def test_pages_that_fail_leave_room_for_the_others(house: House) -> None:
    """Pages of a host that answers no more, and items without any page, are due longer than all others."""
    items = [
        item(f"第{number}条消息", serve(house, f"/story/{number}", f"第{number}条消息"), f"g-{number}")
        for number in range(4)
    ]
    bare = [
        item(f"无页面{number}", guid=f"bare-{number}", content=f"<p>{'正文' * 60}{number}</p>") for number in range(3)
    ]
    house.feed("voa", *items, *bare)
    assert house.sync().counts["new"] == 7
    for number in range(3):
        url = house.room.url("voa", f"/story/{number}")
        house.room.behave(url)
        house.room.act(url, acts.answer(403))
    looked: set[str] = set()
    for _ in range(12):
        house.clock.ahead += timedelta(hours=2)
        before = len(house.room.log)
        house.sync(recheck=1)
        looked |= {request.path for request in house.room.log[before:] if request.path.startswith("/story/")}
    assert looked == {f"/story/{number}" for number in range(4)}, "each had its turn"


@pytest.mark.parametrize(
    ("step", "hours", "expected"),
    [
        (0, 1.05, 0),
        (0, 6.9, 0),
        (1, 7.7, 1),
        (3, 103, 3),
        (0, 30, 1),
        (0, 120, 3),
        (7, 20_000, 7),
        (0, 1e6, 7),
        (0, -5, 0),
    ],
)
def test_a_late_look_leaves_out_what_was_missed(step: int, hours: float, expected: int) -> None:
    assert step_at(step, int(hours * 3_600_000)) == expected


def test_a_year_of_looks_fresh_often_old_rarely_none_never() -> None:
    plan = Plan(new=24, archive=600, outlets=12, budget=13, days=365, dead=1)
    found = simulate(plan)
    often = [found.looks[name] / found.days_alive[name] for name in ("first day", "first week", "first month")]
    assert often[0] > 1.5
    assert often[0] > 2 * often[1] > 4 * often[2]
    assert found.looks["older"] / found.days_alive["older"] > 0.8 / 365, "for ever"
    assert found.never == 0
    assert found.longest_wait_days < 2
    assert max(found.a_day) <= plan.budget * plan.syncs
    assert found.host_most <= plan.budget
    delays = sorted(found.delays_h)
    assert delays[len(delays) // 2] < 24
    assert found.unfound == 0


def test_more_than_the_budget_stretches_every_wait_and_starves_none() -> None:
    plan = Plan(new=60, archive=300, outlets=12, budget=12, days=120, dead=3)
    found = simulate(plan)
    assert max(found.a_day) == plan.budget * plan.syncs
    assert found.unfound == 0
    assert found.longest_wait_days < 30
    assert found.looks["older"] > 0


def test_the_default_budget_carries_what_its_help_promises() -> None:
    assert Settings().recheck == Plan().budget
    found = simulate(Plan(days=45, archive=1000))
    assert (found.never, found.unfound) == (0, 0)
    assert found.longest_wait_days < 1
