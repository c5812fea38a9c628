"""Is the difference between two versions an edit of the outlet, or did a program read one of them badly?

Asked where the versions were read by somebody else's program (imports, the lineage's trees) or by another extractor.
Every answer is one word, so that what was left out can be counted and looked at.
"""

import re
from collections.abc import Container

from baoguan.insight.change import people, text_lines
from baoguan.model.change import Comparison, Version
from baoguan.text.sameness import squeeze, still_lines

REASONS = ("same", "noise", "stub", "error", "paywall", "truncated", "template", "encoding")
"""same: nothing but form differs; noise: relative times, counters; stub: (nearly) no text on one side; error: an error
page; paywall: a teaser; truncated: one side ends in the middle; template: only furniture of the page differs;
encoding: one side has broken characters."""

_STUB = 0.2
_STUB_CHARS = 60
_ENDS = re.compile(
    r"[。．.！!？?…」』”\"'’）)】〕》#＃*;；:：※■◆]\s*$|^\W*(?:责任?编辑?|責任?編輯?|记者|記者|来源|來源|作者|photo|source|\()"
)
_SIGNED = re.compile(r"^\W*(?:记者|記者|責編|责编|责任编辑|責任編輯|撰稿|编辑|編輯)[\s\xa0:：]\W*\S{2,}")
_GOES_ON = re.compile(
    r"(?:\.\.\.|…|\[…\]|阅读全文|閱讀全文|查看全文|read\s+more|continue\s+reading|続きを読む)[\s\])>»]*$", re.I
)
_ERROR = re.compile(
    r"\b(?:40[0-4]|50[0-4])\b.{0,40}(?:error|not\s+found|forbidden|gateway|unavailable)|page\s+not\s+found|access\s+denied"
    r"|just\s+a\s+moment|enable\s+javascript|checking\s+your\s+browser|too\s+many\s+requests|internal\s+server\s+error"
    r"|页面(?:不存在|未找到|无法访问)|頁面不存在|找不到(?:网页|網頁|页面|頁面)|ページが見つかりません|服务器错误|伺服器錯誤|访问过于频繁",
    re.I,
)
_PAYWALL = re.compile(
    r"(?:subscribe|sign\s+in|log\s+in|register)\s+(?:now\s+)?to\s+(?:continue|read|keep\s+reading|unlock)|subscribers?\s+only"
    r"|订阅.{0,6}(?:阅读|全文|继续)|訂閱.{0,6}(?:閱讀|全文|繼續)|登[录入錄].{0,6}(?:阅读|閱讀|全文|继续|繼續)|(?:付费|付費|会员|會員)(?:阅读|閱讀|专享|專享|文章|内容)"
    r"|この記事は(?:会員限定|有料)|会員限定記事|残り\s*\d+\s*文字",
    re.I,
)
_FURNITURE = re.compile(
    r"appeared\s+first\s+on|feed\s+enhanced\s+by|^post\s+tags?:|^tags?:|^标签|^標籤|^关键[词字]|^(?:share|follow|subscribe)\b|获取更多|^分享|^关注我们|^關注我們"
    r"|^订阅|^訂閱|^(?:相关|相關|延伸|推荐|推薦|更多)(?:新闻|新聞|阅读|閱讀|文章|内容|內容|报道|報導|主题|主題)|^related\b|^read\s+(?:more|also|next)|^関連(?:記事|ニュース)?"
    r"|^©|^copyright|版权所有|版權所有|^(?:下载|下載).{0,8}(?:app|客户端)|^(?:视频|影片|圖片|图片|图像|圖像)(?:来源|來源|说明|說明|加註文字|版权)|^image\s+(?:source|caption)|^你?可能感兴趣|^热门|^熱門|无法播放|^播放"
    r"|^https?://\S+$|^原文|^阅读更多|^(?:跳过|跳過)",
    re.I,
)
_BROKEN = re.compile("\ufffd|[ÃÂÐÑ][\x80-\xbf]|(?:å|æ|ç|è|é|ä)[\x80-\xbf]")


def misreading(
    before: Version, after: Version, comparison: Comparison, *, template: Container[str] = frozenset()
) -> str:
    """One of REASONS, or empty where the outlet edited the text.

    `template`: squeezed lines known to stand under many articles of the outlet.
    """
    if not comparison.kinds:
        return "same" if squeeze(before.text) == squeeze(after.text) else "noise"
    lines = [text_lines(version) for version in (before, after)]
    short, long = sorted(("\n".join(side) for side in lines), key=len)
    grew = lines[0] != lines[1] and len("\n".join(lines[0])) < len("\n".join(lines[1]))
    if _lost_text(short, long) and not (_is_signed(short) or (grew and _is_flash(short))):
        return "error" if short and _ERROR.search(short) else "paywall" if _PAYWALL.search(short) else "stub"
    if (_BROKEN.search(short) and not _BROKEN.search(long)) or (_BROKEN.search(long) and not _BROKEN.search(short)):
        return "encoding"
    if len(short) < 900 and bool(_ERROR.search(short)) != bool(_ERROR.search(long)):
        return "error"
    if len(short) < 0.7 * len(long) and _PAYWALL.search(short[-400:]) and not _PAYWALL.search(long):
        return "paywall"
    if _is_cut(short, long):
        return "truncated"
    if _only_furniture(before, after, comparison, template):
        return "template"
    return ""


def _lost_text(short: str, long: str) -> bool:
    size = len(squeeze(short))
    return len(long) >= 200 and (size < _STUB * len(squeeze(long)) or size < _STUB_CHARS)


def _is_flash(short: str) -> bool:
    """Whether a short first version is a whole text of its own: breaking news that grew into a story."""
    last = short.rstrip().rpartition("\n")[2]
    return len(squeeze(short)) >= _STUB_CHARS and not _GOES_ON.search(last) and bool(_ENDS.search(last))


def _is_signed(short: str) -> bool:
    """Whether the newsroom's own sign-off ends it: no program that failed keeps that and loses the text before it."""
    body, _, last = short.rstrip().rpartition("\n")
    return len(squeeze(body)) >= _STUB_CHARS and bool(_SIGNED.match(last))


def _is_cut(short: str, long: str) -> bool:
    """Whether the shorter text is the beginning of the longer one and ends in the middle of it."""
    head, whole = squeeze(short), squeeze(long)
    if not head or len(head) > 0.97 * len(whole):
        return False
    last = next(line for line in reversed(short.split("\n")) if line.strip())
    bare = squeeze(_GOES_ON.sub("", short))
    if whole.startswith(bare[:-2]) and (_GOES_ON.search(last) or not _ENDS.search(last)):
        return len(last) > 12 or bool(_GOES_ON.search(last))
    return False


def _only_furniture(before: Version, after: Version, comparison: Comparison, template: Container[str]) -> bool:
    """Whether all that differs are whole lines that belong to the page, not to the article."""
    if squeeze(before.title) != squeeze(after.title) or people(before.authors) != people(after.authors):
        return False
    if {"picture", "date"} & set(comparison.kinds):
        return False
    differing = [row for row in comparison.rows if row.kind != "same"]
    return bool(differing) and all(
        row.kind in ("removed", "added", "moved")
        and all(_is_furniture(line, template) for span in (*row.before, *row.after) for line in span.text.split("\n"))
        for row in differing
    )


def _is_furniture(line: str, template: Container[str]) -> bool:
    return bool(_FURNITURE.search(line.strip())) or squeeze(line) in template or not still_lines(line)
