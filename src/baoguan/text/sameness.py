"""When are two texts the same? What an outlet's machines change without an editor is folded or left out here.

Width of characters, kinds of quotation marks and dashes, white space; lines that tell how long ago, how often read or
what time it is now; advertisement marks; links to other articles. All of it is no edit (archive.revisions, insight).
"""

import re
import unicodedata
from functools import lru_cache

_SPACE = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
_SAME = str.maketrans(
    dict.fromkeys("“”„‟″〝〞〟«»「」『』", '"')
    | dict.fromkeys("‘’‚‛′`´", "'")
    | dict.fromkeys("‐‑‒–—―−─－﹣", "-")
    | {"…": "...", "‧": "·", "・": "·", "•": "·", "∙": "·", "〜": "~", "、": "、"}
)
_LINK_BLOCK = re.compile(r"<(p|li|h[2-6])>(?:<(?:b|strong|em)>)?<a [^>]*>[^<]*</a>(?:</(?:b|strong|em)>)?</\1>\n?")
_SHORT = 80
_PARAGRAPH = 4096
_STOPS = re.compile(r"[。！？!?；;]|\.\s")
_AMOUNT = r"\d[\d,.]*\s*(?:万|萬|亿|億|千|[km](?![a-z]))?\+?"
_READERS = (
    r"阅读|閱讀|浏览|瀏覽|点击|點擊|评论|評論|留言|跟贴|转发|轉發|分享|点赞|點讚|按讚|讚|赞|收藏|人气|人氣|播放|観覧|閲覧|コメント|いいね|シェア"
    r"|views?|reads?|comments?|shares?|likes?|retweets?|plays?|reactions?"
)
_AGO = (
    r"(?:(?:约|約|大约|about|over|some)\s*)?(?:\d+|[一二三四五六七八九十两兩数幾几半]+|an?(?=\s)|one)\s*"
    r"(?:个半?|個半?|か|ヶ|ヵ)?\s*"
    r"(?:秒|分钟|分鐘|分間|分|小时|小時|時間|钟头|鐘頭|天|日間|日|周|週間|週|星期|月|年"
    r"|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|[smhdw](?![a-z]))\s*(?:以?前|之前|ago)"
    r"|刚刚|剛剛|たった今|just\s+now"
)
_COUNT = (
    rf"(?:{_READERS})(?:数|數|量|次数|次數)?\s*[:(]?\s*{_AMOUNT}\s*(?:次|人|条|條|件|回)?\s*\)?"
    rf"|{_AMOUNT}\s*(?:次|人|条|條|件|回)?\s*(?:{_READERS})(?![a-z])"
)
_CLOCK = (
    r"\d{4}\s*[年/.-]\s*\d{1,2}\s*[月/.-]\s*\d{1,2}\s*日?|\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{1,2}\s*月\s*\d{1,2}\s*日"
    r"|\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]\.?m\.?(?![a-z]))?|(?:星期|週|周)[一二三四五六日天]|\(?[日月火水木金土]曜日?\)?"
    r"|(?:mon|tues?|wednes|wed|thurs?|fri|satur|sat|sun)(?:day)?(?![a-z])|(?:上午|下午|凌晨|晚上|中午|午前|午後)"
    r"|\d{1,2}\s+(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?,?\s+\d{4}"
    r"|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?\s+\d{1,2},?\s+\d{4}"
)
_LENGTH = (
    r"\d+\s*(?:min|minute)s?\s+read"
    r"|(?:全文|本文)?(?:共|约|約)?\s*\d+\s*字|(?:阅读|閱讀|読了)(?:时间|時間)?:?\s*约?\d+\s*分[钟鐘]?"
)
_MARK = r"广告|廣告|advertisements?|advert|sponsored(?:\s+content)?|推广|スポンサー(?:リンク)?|\bad\b|\[?pr\]?(?![a-z])"
_LABEL = (
    r"最后更新|最後更新|最終更新|更新日時|更新时间|更新時間|更新于|更新於|更新|发布时间|發布時間|发布于|發布於|发布|發布|发表于|發表於|发表|發表"
    r"|公開|配信|掲載|时间|時間|last\s+updated|updated|published|posted|on|at|北京时间|北京時間|gmt|utc|jst|est|edt|bst|hkt|cst"
    r"|当前时间|現在時刻|时钟|現在"
)
_UNIT = re.compile(f"(?P<noise>{_AGO}|{_COUNT}|{_LENGTH}|{_CLOCK}|{_MARK})|{_LABEL}|[\\s|·,:/()\\[\\]<>~.-]+", re.I)
_MOVING = re.compile(f"{_AGO}|{_COUNT}", re.I)
_MAY_MOVE = re.compile("[前刚剛今阅閱浏瀏点點评評留跟转轉分点赞讚按收人播観閲コいシa-zA-Z]")
"""Without one of them there is nothing in a line that _MOVING finds: it tries in vain at every numeral else."""
_DIGIT_OR_MARK = re.compile(
    r"\d|[刚剛今前][刚剛前]|ad|広告|广告|廣告|推广|スポンサー|sponsored|pr|now|ago|前|[周週曜]", re.I
)


def fold(text: str) -> str:
    """`text` with one width, one kind of quotation marks and dashes, and single spaces: for comparison only."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SAME)
    return _SPACE.sub(" ", text).strip()


def squeeze(text: str) -> str:
    """`fold` without any white space."""
    # A line that nobody changed is asked for on both sides, and for several reasons: half of a comparison.
    return _squeeze_again(text) if len(text) <= _PARAGRAPH else _squeeze(text)


def _squeeze(text: str) -> str:
    return fold(text).replace(" ", "")


_squeeze_again = lru_cache(maxsize=1 << 10)(_squeeze)


def is_noise(line: str) -> bool:
    """Whether a line tells only what a machine counts: how long ago, how often read, what time it is, "广告"."""
    if len(line) > _SHORT or not _DIGIT_OR_MARK.search(line):
        return False
    text = fold(line)
    at, found = 0, False
    while at < len(text):
        unit = _UNIT.match(text, at)
        if unit is None or unit.end() == at:
            return False
        found = found or unit["noise"] is not None
        at = unit.end()
    return found


def still_lines(text: str) -> list[str]:
    """The lines of a plain text that only an editor changes: noise left out, counters taken from short lines."""
    lines = []
    for line in text.split("\n"):
        if not line or is_noise(line):
            continue
        if len(line) <= _SHORT and _MAY_MOVE.search(line) and not _STOPS.search(line) and _MOVING.search(line):
            line = _MOVING.sub("", fold(line)).strip(" |·,:-")
        if line:
            lines.append(line)
    return lines


def without_link_blocks(body_html: str) -> str:
    """A body without the paragraphs and list items that are nothing but a link: they lead to other articles."""
    return _LINK_BLOCK.sub("", body_html) if "<a " in body_html else body_html


def picture_key(url: str) -> str:
    """What stays of a picture's address when only its rendition changes: the name of its file, without size marks."""
    path = url.partition("#")[0].partition("?")[0].rstrip("/")
    name = path.rpartition("/")[2]
    if "." not in name:
        return url.partition("#")[0]
    stem, _, kind = name.rpartition(".")
    stem = _RENDITION.sub("", stem)
    return f"{stem}.{'jpg' if kind.lower() in ('jpeg', 'webp', 'avif', 'jpg') else kind.lower()}"


_RENDITION = re.compile(
    r"(?:[_-](?:\d{2,4}x\d{2,4}|w\d{2,4}|h\d{2,4}|c[xyw]\d+|r\d|s|tv|scaled|thumb(?:nail)?|small|medium|large|\d{3,4}w))+$",
    re.I,
)
