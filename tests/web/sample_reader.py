"""A small made-up newsroom held in memory as a ReaderSource, for the reader's tests and its screenshots.

All names, texts and pictures are invented here. Bodies, media paths, ids and digests have the form of real records.
"""

import hashlib
import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import msgspec
from PIL import Image, ImageDraw, ImageFilter

from baoguan.errors import NotFound
from baoguan.model.feed import FeedState
from baoguan.model.ids import article_id, media_path, record_path
from baoguan.model.log import MediaRef
from baoguan.model.schedule import Note
from baoguan.web.source import (
    ArchiveInfo,
    ArticleCard,
    ArticleFacts,
    ArticlePage,
    Cursor,
    OutletInfo,
    RevisionInfo,
    facts_of,
)

NOON = datetime(2026, 3, 14, 4, 0, tzinfo=UTC)
"""Noon in UTC+8 on the newest day."""

OUTLETS = {
    "haibin": OutletInfo(
        key="haibin",
        name="海滨晚报",
        names={"zh-Hans": "海滨晚报", "zh-Hant": "海濱晚報", "ja": "海浜夕刊", "en": "Seashore Evening News"},
        home="https://haibin.example/",
        language="zh-Hans",
    ),
    "gangwan": OutletInfo(
        key="gangwan", name="港灣日報", names={}, home="https://gangwan.example/", language="zh-Hant"
    ),
    "minato": OutletInfo(key="minato", name="みなと新報", names={}, home="https://minato.example/", language="ja"),
    "harbour": OutletInfo(
        key="harbour",
        name="Harbour Courier",
        home="https://harbour.example/",
        language="en",
        state="quiet",
        since="2026-02",
    ),
}

HEADLINES = {
    "haibin": [
        "旧灯塔改建成图书馆，首日迎来三千名读者",
        "春季渔汛提前两周，渔民称海水温度偏高",
        "老城区电车恢复运行 7 条线路今起免费试乘",
        "气象台：周末有雨，气温降至 6°C 左右",
        "图书管理员三十年手抄目录获列档案遗产",
        "海堤步道完工，全长 12.5 公里",
        "市立医院启用夜间门诊（含儿科）",
        "面包师用旧报纸包装，引来一场怀旧展览",
        "“修表铺”关门前的最后一天",
        "中学生发现一颗小行星，编号待定",
    ],
    "gangwan": [
        "港灣大橋夜間封閉維修，渡輪加班至凌晨兩點",
        "茶農試種高山新品種，首批收成兩百公斤",
        "舊碼頭倉庫變身劇場，首演一票難求",
        "地方誌修訂十年，新增口述歷史四十篇",
        "颱風預報模型更新，準確度提高百分之八",
        "漁港早市重開，攤商盼遊客回流",
    ],
    "minato": [
        "港の灯台、百年ぶりに一般公開　行列は二キロに",
        "小学校の給食に地元のりんご　児童が収穫を手伝う",
        "夜行列車「みなと」復活、初便は三時間で満席",
        "図書館が古い新聞を電子化　七万ページを公開へ",
        "漁協、海水温の記録を三十年分公開",
    ],
    "harbour": [
        "Ferry timetable cut as the winter ends",
        "Town archive asks readers for old photographs",
        "A bakery, a clock and a street that kept its name",
    ],
}

TEXT = {
    "zh": (
        "清晨六点，码头上的风还带着夜里的潮气。林先生把最后一箱书搬进新馆，说这座灯塔停用二十年后终于又亮了。",
        "据介绍，改建工程自 2024 年 7 月 12 日开始，历时 18 个月，共使用旧砖约 4.6 万块（其中三成来自拆除的仓库）。"
        "馆内设阅览座位 260 个，藏书约九万册，另有一间专门存放地方报纸的资料室。",
        "“我们没有把旧东西换掉，只是把它擦亮了。”设计师陈女士说，“楼梯保留了原来的 126 级，扶手上还能摸到当年的刻痕。”",
        "开馆当天，队伍从大门一直排到海堤。一位老读者带来自己保存的剪报，最早的一张印于四十年前，上面写着灯塔熄灯的消息。",
        "图书馆下月起将延长开放时间，并与附近三所学校合作开设阅读课。有关部门表示，周边道路的照明工程也将在年内完成。",
    ),
    "ja": (
        "午前六時、岸壁にはまだ夜の湿り気が残っていた。灯台の扉が開くと、待っていた人々から小さな歓声が上がった。",
        "管理事務所によると、改修は二〇二四年七月に始まり、十八か月をかけて完了した。らせん階段は当時のまま百二十六段を残している。",
        "「新しくしたのではなく、磨き直しただけです」と担当者は話す。来月からは夜間の公開も予定されている。",
    ),
    "en": (
        "At six in the morning the quay still smelled of the night. The first visitors climbed 126 steps in silence.",
        "The work took eighteen months and some 46,000 old bricks, a third of them from a warehouse nearby.",
        "“Nothing was replaced,” the architect said. “It was only polished.”",
    ),
}


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A revision with what its list and its page need."""

    page: ArticlePage
    cause: str = ""


def photo(seed: int, width: int = 960, height: int = 600) -> bytes:
    """A made-up view in the colours of a dusk, as JPEG: hills, water or houses."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    sky, ground = (205 + seed * 23 % 40, 24 + seed * 7 % 20), (30 + seed * 37 % 150, 18)
    horizon = height * (45 + seed * 13 % 25) // 100
    for y in range(horizon):
        draw.line([(0, y), (width, y)], fill=f"hsl({sky[0]},{sky[1]}%,{52 + 36 * y // horizon}%)")
    draw.rectangle([0, horizon, width, height], fill=f"hsl({ground[0]},{ground[1]}%,46%)")
    sun = width * (15 + seed * 29 % 70) // 100
    draw.ellipse([sun, horizon - 130, sun + 70, horizon - 60], fill="hsl(42,60%,90%)")
    for layer in range(4):
        base = horizon + layer * (height - horizon) // 4
        points = [(0, height)]
        for x in range(0, width + 40, 40):
            wave = math.sin(x / (90 + 31 * layer) + seed * (layer + 1)) + 0.5 * math.sin(x / 37 + seed + layer)
            points.append((x, int(base - 26 * wave * (1 if seed % 3 else 0.25))))
        draw.polygon([*points, (width, height)], fill=f"hsl({ground[0] + layer * 6},{ground[1]}%,{46 - 9 * layer}%)")
    for step in range(7 if seed % 2 else 0):
        left = (seed * 131 + step * 149) % width
        top = horizon - 20 - (seed * 37 + step * 61) % 90
        draw.rectangle([left, top, left + 34 + step * 7, horizon + 50], fill=f"hsl({sky[0]},12%,{24 + step * 4}%)")
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(1.1)).save(out, "JPEG", quality=82)
    return out.getvalue()


class SampleReader:
    """ReaderSource over what `add` was given; an oracle of plain lists and sorts."""

    def __init__(self) -> None:
        self.outlet_table = dict(OUTLETS)
        self.history: dict[str, list[Revision]] = {}
        self.files: dict[str, bytes] = {}
        self.feeds: list[FeedState] = []
        self.note_list: list[Note] = []
        self.size = 0

    def add_picture(self, data: bytes, extension: str = "jpg", **size: int) -> MediaRef:
        """Keeps a picture and returns its reference."""
        digest = hashlib.sha256(data).hexdigest()
        path = media_path(digest, extension)
        self.files[path] = data
        return MediaRef(url=f"https://img.example/{digest[:12]}.{extension}", sha256=digest, path=path, **size)

    def add(self, *, outlet: str, title: str, body: str, cause: str = "", url: str = "", **fields: object) -> str:
        """Appends a revision; the same url again is the next revision of the same article."""
        url = url or f"https://{outlet}.example/a/{hashlib.sha256(title.encode()).hexdigest()[:8]}"
        identity = article_id(outlet, url)
        known = self.history.setdefault(identity, [])
        captured = int(fields.pop("captured_ms", NOON.timestamp() * 1000))  # type: ignore[call-overload]
        path = record_path(outlet, captured, identity, len(known))
        data = f"<!--{captured}-->\n[{title}]({url})\n------\n\n{body}\n".encode("utf-8", "replace")
        self.files[path] = data
        page = ArticlePage(
            id=identity,
            rev=len(known),
            index=self.size,
            outlet=outlet,
            url=url,
            title=title,
            captured_ms=captured,
            body_html=body,
            record_path=path,
            record_sha256=hashlib.sha256(data).hexdigest(),
            **fields,  # type: ignore[arg-type]
        )
        known.append(Revision(page=page, cause=cause))
        self.size += 1
        self.files["checkpoint"] = f"sample.example/log\n{self.size}\nAAAA\n".encode()
        return identity

    def _cards(self) -> list[ArticleCard]:
        return sorted((self._card(rows) for rows in self.history.values()), key=lambda card: (-card.shown_ms, card.id))

    def _card(self, rows: list[Revision]) -> ArticleCard:
        page = rows[-1].page
        lead = next((ref for ref in page.media if ref.path), None)
        return ArticleCard(
            id=page.id,
            outlet=page.outlet,
            title=page.title,
            lang=page.lang,
            shown_ms=shown_ms(page),
            by_outlet=bool(page.published),
            captured_ms=page.captured_ms,
            rev=page.rev,
            index=page.index,
            edited=any(row.cause == "outlet" for row in rows),
            lead=lead.path if lead else "",
            lead_width=lead.width if lead else 0,
            lead_height=lead.height if lead else 0,
            lost=page.lost,
        )

    def cards(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        outlet: str | None = None,
        before: Cursor | None = None,
        limit: int = 30,
    ) -> Sequence[ArticleCard]:
        rows = sorted(self._cards(), key=lambda card: (card.shown_ms, card.id), reverse=True)
        return [
            card
            for card in rows
            if (start_ms is None or card.shown_ms >= start_ms)
            and (end_ms is None or card.shown_ms < end_ms)
            and (outlet is None or card.outlet == outlet)
            and (before is None or (card.shown_ms, card.id) < (before.shown_ms, before.id))
        ][:limit]

    def cards_of(self, ids: Sequence[str]) -> Sequence[ArticleCard]:
        return [self._card(self.history[one]) for one in ids if one in self.history]

    def neighbours(self, start_ms: int, end_ms: int, outlet: str | None = None) -> tuple[int | None, int | None]:
        times = [card.shown_ms for card in self._cards() if outlet in (None, card.outlet)]
        return (
            max((at for at in times if at < start_ms), default=None),
            min((at for at in times if at >= end_ms), default=None),
        )

    def counts(self, start_ms: int, end_ms: int) -> Sequence[tuple[str, int]]:
        found: dict[str, int] = {}
        for card in self.cards(start_ms=start_ms, end_ms=end_ms, limit=10**9):
            found[card.outlet] = found.get(card.outlet, 0) + 1
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))

    def tally(self, bounds: Sequence[int]) -> Sequence[int]:
        times = [card.shown_ms for card in self._cards()]
        return [sum(low <= at < high for at in times) for low, high in pairwise(bounds)]

    def newest_kept(self, *, outlet: str | None = None, limit: int = 30) -> Sequence[ArticleCard]:
        rows = [card for card in self._cards() if outlet in (None, card.outlet)]
        return sorted(rows, key=lambda card: -card.index)[:limit]

    def article(self, identity: str, rev: int | None = None) -> ArticlePage | None:
        rows = self.history.get(identity, [])
        if not rows or (rev is not None and not 0 <= rev < len(rows)):
            return None
        revisions = tuple(
            RevisionInfo(
                rev=row.page.rev,
                captured_ms=row.page.captured_ms,
                title=row.page.title,
                cause=row.cause,
                index=row.page.index,
                record_path=row.page.record_path,
                current=row is rows[-1],
            )
            for row in rows
        )
        page = rows[-1 if rev is None else rev].page
        row = [card for card in self.cards(limit=10**9) if card.outlet == page.outlet]
        at = next(place for place, card in enumerate(row) if card.id == identity)
        older, newer = row[at + 1] if at + 1 < len(row) else None, row[at - 1] if at else None
        return msgspec.structs.replace(page, revisions=revisions, older=older, newer=newer)

    def outlets(self) -> Sequence[OutletInfo]:
        return [self.outlet(key) for key in sorted(self.outlet_table)]  # type: ignore[misc]

    def outlet(self, key: str) -> OutletInfo | None:
        outlet = self.outlet_table.get(key)
        rows = [card for card in self._cards() if card.outlet == key]
        last = max((card.shown_ms for card in rows), default=0)
        return msgspec.structs.replace(outlet, articles=len(rows), last_ms=last) if outlet else None

    def masthead(self, key: str) -> OutletInfo | None:
        return self.outlet_table.get(key)

    def facts(self, identity: str, rev: int | None = None) -> ArticleFacts | None:
        page = self.article(identity, rev)
        return None if page is None else facts_of(page)

    def feed_health(self) -> Sequence[FeedState]:
        return list(self.feeds)

    def notes(self, limit: int = 20) -> Sequence[Note]:
        return self.note_list[:limit]

    def state(self) -> int:
        return self.size

    def archive_info(self) -> ArchiveInfo:
        return ArchiveInfo(
            origin="sample.example/log",
            vantage="Reykjavík",
            size=self.size,
            root_sha256=hashlib.sha256(str(self.size).encode()).hexdigest(),
            version="0.1.0",
        )

    def totals(self) -> tuple[int, int]:
        return len(self.history), len(self.outlet_table)

    def public_size(self, path: str) -> int | None:
        return len(self.files[path]) if path in self.files else None

    def read_public(self, path: str, start: int, size: int) -> bytes:
        if path not in self.files:
            raise NotFound(path)
        return self.files[path][start : start + size]


def shown_ms(page: ArticlePage) -> int:
    """The publisher's clock where known, else the archive's."""
    if not page.published:
        return page.captured_ms
    at = datetime.fromisoformat(page.published)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def body_of(language: str, ref: MediaRef | None, caption: str = "", more: int = 1) -> str:
    """A record's body: a figure and paragraphs."""
    paragraphs = "\n".join(f"<p>{text}</p>" for text in TEXT[language[:2]] * more)
    if ref is None:
        return paragraphs
    src = f"../../../../../{ref.path}" if ref.path else ref.url
    return f'<figure><img src="{src}" alt="{caption}"><figcaption>{caption}</figcaption></figure>\n{paragraphs}'


def newsroom(pictures: int = 12) -> SampleReader:
    """Three days of all four outlets, with an edited article, a lost one and a picture that is not kept yet."""
    source = SampleReader()
    zone, seed = timezone(timedelta(hours=8)), 0
    for key, titles in HEADLINES.items():
        outlet = OUTLETS[key]
        for place, title in enumerate(titles):
            seed += 1
            ref = None
            if (place % 2 == 0 and seed <= pictures * 2) or place == 0:
                ref = source.add_picture(photo(seed), width=960, height=600)
            day = place % 3 if place > 4 else 0
            at = (NOON - timedelta(days=day, minutes=11 * (7 * seed % 24))).astimezone(zone)
            source.add(
                outlet=key,
                title=title,
                body=body_of(outlet.language, ref, "海边的灯塔，资料图" if key == "haibin" else "港"),
                lang=outlet.language,
                authors=("林海",) if key == "haibin" else (),
                published="" if seed == 7 else at.isoformat(timespec="seconds"),
                captured_ms=int((at + timedelta(minutes=14)).timestamp() * 1000),
                media=(ref,) if ref else (),
            )
    _edit_first(source)
    source.feeds, source.note_list = (
        _feeds(),
        [Note(at_ms=int(NOON.timestamp() * 1000), outlet="haibin", text="two items of one GUID: kept as two articles")],
    )
    return source


def _edit_first(source: SampleReader) -> None:
    first = next(iter(source.history.values()))[0].page
    missing = MediaRef(url="https://img.example/late.jpg")
    body = first.body_html.replace("260", "280") + "\n" + body_of("zh", missing, "楼梯").split("\n")[0]
    source.add(
        outlet=first.outlet,
        title="旧灯塔改建成图书馆，首日迎来四千名读者",
        body=body,
        cause="outlet",
        url=first.url,
        lang=first.lang,
        authors=first.authors,
        published=first.published,
        modified=(NOON + timedelta(hours=1)).astimezone(timezone(timedelta(hours=8))).isoformat(),
        captured_ms=int((NOON + timedelta(hours=2)).timestamp() * 1000),
        media=(*first.media, missing),
        section="城市",
    )


def _feeds() -> list[FeedState]:
    at = int(NOON.timestamp() * 1000)
    return [
        FeedState(
            url="https://haibin.example/rss.xml",
            outlet="haibin",
            title="要闻",
            kind="ok",
            last_ok_ms=at,
            last_new_ms=at - 600_000,
            next_ms=at + 900_000,
        ),
        FeedState(
            url="https://harbour.example/feed",
            outlet="harbour",
            kind="failing",
            fails=4,
            problem="connect: connection refused; tried again in 2 h",
            last_ok_ms=at - 86_400_000,
            next_ms=at + 7_200_000,
        ),
        FeedState(url="https://minato.example/index.rdf", outlet="minato"),
        FeedState(url="https://gangwan.example/rss", outlet="gangwan", kind="gone", stopped=True),
    ]
