"""A fake newsroom on loopback for tests and the demo: several outlets, real HTTP, scripted misbehaviour.

with Newsroom() as room:
    room.feed_url("dw"); room.article_url("dw", slug); room.act(path, acts.too_many(30), times=1); room.log
Everything in it is made up.
"""

from newsroom.room import Newsroom
from newsroom.stories import Photo, Story

__all__ = ["Newsroom", "Photo", "Story"]
