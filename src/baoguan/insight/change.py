"""From two versions to a change: rows, and the kinds of what was done. The same versions give the same answer."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from baoguan.insight.compare import Budget
from baoguan.insight.rows import Edit, Line, compare_lines, mark
from baoguan.insight.tokens import is_word, number_value, weight
from baoguan.model.change import EDITS, Comparison, Row, Span, Version
from baoguan.text.sameness import fold, picture_key, squeeze, still_lines

_PASSAGE = 14
"""A removed or added passage weighs at least so much (characters of Chinese; a word of other scripts is 2)."""
_TYPO = 2
"""Each of at most two places of a typo weighs no more."""
_QUOTE = 6
_REWRITTEN = 0.25
_QUOTED = re.compile(r'"([^"\n]{2,600})"|「([^」\n]{2,600})」|『([^』\n]{2,600})』|“([^”\n]{2,600})”|«([^»\n]{2,600})»')
_NEGATION = frozenset("不没沒未无無非否勿莫禁") | {"not", "no", "never", "none", "without", "ない", "ず", "un"}
_CORRECTION = re.compile(
    r"^[\W_]*(?:编者按[:：]?\s*|編者按[:：]?\s*|editor['’]?s['’]?\s+note[:：]?\s*)?"
    r"(?:更正|勘误|勘誤|订正|訂正|更正启事|更正啟事|お詫び|correction|corrections|clarification|corrected)"
    r"(?:[\W_]|启事|啟事|说明|說明|と訂正|して|します|$)"
    r"|本文(?:已|经|經|曾)[^。]{0,12}(?:更正|修正|修订|修訂)|(?:此前|先前|早前|早先)(?:的)?(?:版本|报道|報導|報道)[^。]{0,40}(?:有误|有誤|错误|錯誤|误|誤|更正)"
    r"|(?:訂正して)?お詫びします|誤りでした|訂正しました"
    r"|(?:earlier|previous)\s+version\s+of\s+this\s+(?:article|story|report|piece|post)"
    r"|(?:has|have)\s+been\s+(?:corrected|amended|clarified)|was\s+(?:corrected|amended)\s+(?:on|to)",
    re.I,
)


def compare_versions(before: Version, after: Version) -> Comparison:
    """Rows and kinds. Lines that only machines change are left out of both sides (text.sameness)."""
    lines_a, lines_b = text_lines(before), text_lines(after)
    edits, cut = compare_lines(lines_a, lines_b)
    budget = Budget()
    title = mark(Line(before.title), Line(after.title), budget)
    found = set(_text_kinds(edits, lines_a, lines_b))
    if title.row.kind != "same":
        found.add("headline")
        found.update(_hunk_kinds([title]))
    found.update(_other_kinds(before, after))
    if _is_typo([title, *edits]) and found <= {"headline", "lead", "wording"}:
        found = (found - {"wording"}) | {"typo"}
    elif not found and any(edit.row.kind == "changed" for edit in edits):
        found.add("typo")
    kinds = tuple(kind for kind in EDITS if kind in found)
    return Comparison(kinds=kinds, title=title.row, rows=tuple(edit.row for edit in edits), cut=cut)


def text_lines(version: Version) -> list[str]:
    """The paragraphs that are compared: no noise, and not the title again where a text begins with it."""
    lines = still_lines(version.text)
    if lines and squeeze(lines[0]) == squeeze(version.title):
        lines = lines[1:]
    return lines


def _text_kinds(edits: Sequence[Edit], before: Sequence[str], after: Sequence[str]) -> Iterable[str]:
    changed = [edit for edit in edits if edit.row.kind not in ("same", "moved")]
    if any(edit.row.kind == "moved" for edit in edits):
        yield "order"
    if not changed:
        return
    yield from _hunk_kinds(changed)
    if before and after and _opening_changed(edits):
        yield "lead"
    if _quotes(before) - _quotes(after):
        yield "quote"
    if any(_CORRECTION.search(line) for line in _new_lines(changed)):
        yield "correction"
    if before and after and _kept_share(edits) < _REWRITTEN:
        yield "rewritten"


def _opening_changed(edits: Sequence[Edit]) -> bool:
    """Whether the opening paragraph of either side reads otherwise in the other."""
    first = next((edit for edit in edits if edit.row.before), None)
    other = next((edit for edit in edits if edit.row.after), None)
    return any(edit is not None and edit.row.kind != "same" for edit in (first, other))


def _hunk_kinds(edits: Iterable[Edit]) -> Iterable[str]:
    """figure, removal, addition, wording: from what each place lost and gained."""
    for edit in edits:
        for low_a, high_a, low_b, high_b in edit.hunks:
            lost, gained = edit.before[low_a:high_a], edit.after[low_b:high_b]
            weight_a, weight_b = _weight(lost), _weight(gained)
            if _figures(edit, (low_a, high_a), (low_b, high_b)):
                yield "figure"
            if weight_a >= _PASSAGE and weight_b * 3 <= weight_a:
                yield "removal"
            elif weight_b >= _PASSAGE and weight_a * 3 <= weight_b:
                yield "addition"
            elif (weight_a or weight_b) and not _only_figures(lost, gained):
                yield "wording"


def _weight(tokens: Sequence[str]) -> int:
    return sum(map(weight, tokens))


def _numbers(tokens: Sequence[str]) -> list[str]:
    return sorted(value for token in tokens if (value := number_value(token)))


def _figures(edit: Edit, left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Whether a number became another one here."""
    lost, gained = _numbers(edit.before[slice(*left)]), _numbers(edit.after[slice(*right)])
    return bool(lost) and bool(gained) and lost != gained


def _only_figures(lost: Sequence[str], gained: Sequence[str]) -> bool:
    return all(number_value(token) or not is_word(token) for token in (*lost, *gained))


def _quotes(lines: Sequence[str]) -> set[str]:
    """Quotations long enough to be somebody's words."""
    found = set()
    for line in lines:
        for match in _QUOTED.finditer(line.replace("„", "“")):
            words = next(group for group in match.groups() if group)
            if _weight(Line(words).keys) >= _QUOTE:
                found.add(squeeze(words).rstrip(",.!?。，;"))
    return found


def _new_lines(edits: Iterable[Edit]) -> Iterable[str]:
    """What was added, by paragraph, and the added parts of changed paragraphs."""
    for edit in edits:
        spans: tuple[Span, ...] = edit.row.after
        yield from (span.text for span in spans if span.changed)


def _kept_share(edits: Sequence[Edit]) -> float:
    """Which share of the larger side stands in both."""
    kept = [0, 0]
    total = [0, 0]
    for edit in edits:
        for side, spans in enumerate((edit.row.before, edit.row.after)):
            total[side] += sum(len(span.text) for span in spans)
            kept[side] += sum(len(span.text) for span in spans if not span.changed)
    return max(kept[side] / total[side] if total[side] else 0.0 for side in (0, 1))


def _is_typo(edits: Sequence[Edit]) -> bool:
    """A few characters in at most two places, none of them a figure or a negation."""
    places = [(edit, hunk) for edit in edits for hunk in edit.hunks]
    if not places or len(places) > 2 or any(edit.row.kind != "changed" for edit, _ in places):
        return False
    for edit, (low_a, high_a, low_b, high_b) in places:
        lost, gained = edit.before[low_a:high_a], edit.after[low_b:high_b]
        if max(_weight(lost), _weight(gained)) > _TYPO or _numbers(lost) or _numbers(gained):
            return False
        if any(token.lower() in _NEGATION for token in (*lost, *gained)):
            return False
        if any(weight(token) == 2 for token in (*lost, *gained)) and not _misspelt(lost, gained):
            return False
    return True


def _misspelt(lost: Sequence[str], gained: Sequence[str]) -> bool:
    """Whether one word became another that is nearly the same: case, or two letters."""
    if len(lost) != 1 or len(gained) != 1:
        return False
    one, other = lost[0].lower(), gained[0].lower()
    if one == other:
        return True
    distance = list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        diagonal, distance[0] = distance[0], row
        for column, against in enumerate(other, 1):
            step = min(distance[column] + 1, distance[column - 1] + 1, diagonal + (char != against))
            diagonal, distance[column] = distance[column], step
    return distance[-1] <= min(2, max(len(one), len(other)) // 3)


def _other_kinds(before: Version, after: Version) -> Iterable[str]:
    if people(before.authors) != people(after.authors):
        yield "author"
    if before.published and after.published and _moved(before.published, after.published):
        yield "date"
    if after.swapped or _pictures_differ(before.pictures, after.pictures):
        yield "picture"


def people(authors: Iterable[str]) -> frozenset[str]:
    """Names without order, case and width."""
    return frozenset(name for author in authors if (name := squeeze(author).lower()))


def _moved(before: str, after: str) -> bool:
    """Whether the publication itself moved; a day that became a time of that day did not."""
    if before == after or (before[:10] == after[:10] and 10 in (len(before), len(after))):
        return False
    try:
        first, second = (_instant(stamp) for stamp in (before, after))
    except ValueError:
        return fold(before) != fold(after)
    return abs((first - second).total_seconds()) >= 60


def _instant(stamp: str) -> datetime:
    at = datetime.fromisoformat(stamp)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _pictures_differ(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> bool:
    """Whether the lead is another picture: another file at the outlet, of other bytes where both are kept.

    Other bytes under one address are another photo only where the archive looked at them (Version.swapped).
    """
    if not before or not after:
        return bool(before) != bool(after)
    (url_a, digest_a), (url_b, digest_b) = before[0], after[0]
    if digest_a and digest_a == digest_b:
        return False
    return picture_key(url_a) != picture_key(url_b)


def changed_rows(comparison: Comparison) -> list[Row]:
    """The rows of a comparison in which something differs."""
    return [row for row in comparison.rows if row.kind != "same"]
