"""A change as HTML for feed readers, which show <del> and <ins> and little else; pure."""

from collections.abc import Iterable
from html import escape

from baoguan.model.change import Comparison, Row, Span

_ROWS = 60


def change_html(comparison: Comparison, more: str) -> str:
    """The rows that differ, the headline first; after _ROWS of them `more` stands for the rest. Safe HTML."""
    rows = [row for row in (comparison.title, *comparison.rows) if row.kind != "same"]
    shown = [_row(row) for row in rows[:_ROWS]]
    if len(rows) > _ROWS:
        shown.append(f"<p>{escape(more)}</p>")
    return "\n".join(shown)


def _row(row: Row) -> str:
    if row.kind != "changed":
        return f"<p>{_text(row.before, 'del')}{_text(row.after, 'ins')}</p>"
    return f"<p>{_merged(row)}</p>"


def _merged(row: Row) -> str:
    """Both sides of a paragraph in one: what they share once, with what was removed before what was added."""
    parts: list[str] = []
    before, after = list(row.before), list(row.after)
    while before or after:
        if before and before[0].changed:
            parts.append(_text([before.pop(0)], "del"))
        if after and after[0].changed:
            parts.append(_text([after.pop(0)], "ins"))
        if after and not after[0].changed:
            parts.append(_text([after.pop(0)], ""))
            if before and not before[0].changed:
                before.pop(0)
        elif before and not before[0].changed:
            parts.append(_text([before.pop(0)], ""))
    return "".join(parts)


def _text(spans: Iterable[Span], tag: str) -> str:
    parts = []
    for span in spans:
        text = escape(span.text).replace("\n", "<br>")
        parts.append(f"<{tag}>{text}</{tag}>" if tag and span.changed else text)
    return "".join(parts)
