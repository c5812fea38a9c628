"""Caps on feeds from outside: past them reading stops, with a warning or a FeedError, never with a stuck process."""

MAX_BYTES = 15_000_000
"""Of a document as parsed; the largest that miniflux reads. More: FeedError."""
MAX_TAGS = 500_000
"""`<` in a document: the rest is cut off, what came before is read. Real feeds of 15 MB stay below a fifth of it."""
MAX_TAG_BYTES = 262_144
"""Of one start tag: 200,000 attributes on one tag keep some parsers busy for half a minute. More: cut off there."""
MAX_ITEMS = 10_000
"""Items of a document; the rest is counted in a warning."""
MAX_TEXT = 4_000_000
"""Characters of one text; the rest of that text is dropped."""
MAX_TITLE = 2_000
"""Characters of a title."""
MAX_URL = 8_192
"""Characters of a URL; longer ones are dropped (data: URLs of pictures, mostly)."""
MAX_LINKS = 30_000
"""Relative addresses that are made absolute in one text; later ones stay as written."""
MAX_MEDIA = 500
"""Pictures and enclosures of one item."""
MAX_VALUES = 500
"""Authors, categories, hubs, warnings: values of one repeated field."""
MAX_ENTITIES = 1_000
"""Entities that a document declares, each at most 1,000 characters; one inside another is not expanded."""
MAX_REPAIRS = 300_000
"""Bare ampersands and entities that are put right in one document; later ones are left to the parser."""
MAX_JSON_OBJECTS = 400_000
"""`{` in a JSON feed. More: FeedError, for it is parsed as a whole."""
CHILD_CPU_S = 5
"""CPU time of the fallback parser's process."""
CHILD_MEMORY_BYTES = 1_000_000_000
"""Address space of the fallback parser's process."""
