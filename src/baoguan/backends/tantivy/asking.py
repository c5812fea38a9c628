"""A query tree as tantivy's query. The same analyser and the same answers as the FTS5 index."""

import re
from collections.abc import Callable

from tantivy import FieldType, Occur, Query, Schema

from baoguan.model.search import Any, Field, Node, Not, Span, Text
from baoguan.search.analyse import phrase, variants

TITLE_BOOST = 1000.0
"""A title that holds the words goes before any text."""


class Asker:
    """Translates for one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def ask(self, node: Node) -> Query:
        """The query of a tree."""
        if isinstance(node, Text):
            return self._text(node)
        if isinstance(node, Field):
            return self._field(node)
        if isinstance(node, Span):
            return self._span(node)
        if isinstance(node, Not):
            return self._all([(Occur.MustNot, self.ask(node.part))])
        if isinstance(node, Any):
            return Query.boolean_query([(Occur.Should, self.ask(part)) for part in node.parts])
        return self._all(
            [
                (Occur.MustNot, self.ask(part.part)) if isinstance(part, Not) else (Occur.Must, self.ask(part))
                for part in node.parts
            ]
        )

    def _all(self, clauses: list[tuple[Occur, Query]]) -> Query:
        if all(occur == Occur.MustNot for occur, _ in clauses):
            clauses = [(Occur.Must, Query.all_query()), *clauses]
        return Query.boolean_query(clauses)

    def _text(self, node: Text) -> Query:
        fields = ("title",) if node.title else ("title", "body")
        clauses = [self._form(name, form) for form in variants(node.text) for name in fields]
        return clauses[0] if len(clauses) == 1 else Query.boolean_query([(Occur.Should, one) for one in clauses])

    def _form(self, field: str, form: str) -> Query:
        asked = phrase(form)
        words = list(asked.tokens)
        single = asked.prefix and len(words) == 1
        query = self._char(field, words[0]) if single else self._phrase(field, words, prefix=asked.prefix)
        if asked.lone:
            query = self._all([(Occur.Must, query), (Occur.Must, self._char(field, asked.lone))])
        return Query.boost_query(query, TITLE_BOOST) if field == "title" else query

    def _char(self, field: str, char: str) -> Query:
        """A single character: it begins a word, or ends a run of the text; a title holds these as words."""
        begins = self._phrase(field, [char], prefix=True)
        if field == "title":
            return begins
        ends = Query.const_score_query(Query.term_query(self._schema, "ends", char, "basic"), 1.0)
        return Query.boolean_query([(Occur.Should, begins), (Occur.Should, ends)])

    def _phrase(self, field: str, words: list[str], *, prefix: bool) -> Query:
        """Words in this order; the last as a beginning by an expression, for a phrase prefix stops at 50 words."""
        if not prefix:
            if len(words) == 1:
                return Query.term_query(self._schema, field, words[0])
            return Query.phrase_query(self._schema, field, list(words))
        patterns = [*map(re.escape, words[:-1]), f"{re.escape(words[-1])}.*"]
        if len(patterns) == 1:
            return Query.regex_query(self._schema, field, patterns[0])
        return Query.regex_phrase_query(self._schema, field, list(patterns))

    def _field(self, node: Field) -> Query:
        make: dict[str, Callable[[], Query]] = {
            "outlet": lambda: Query.term_query(self._schema, "outlet", node.value, "basic"),
            "lang": lambda: Query.term_query(self._schema, "lang", node.value, "basic"),
            "has": lambda: self._range("picture", 1, None),
        }
        if node.name == "changed":
            edited = self._range("changed_ms", 1, None)
            return edited if node.value == "yes" else self._all([(Occur.MustNot, edited)])
        return make[node.name]()

    def _span(self, node: Span) -> Query:
        low = 1 if node.edited and node.start_ms is None else node.start_ms
        return self._range("changed_ms" if node.edited else "shown_ms", low, node.end_ms)

    def _range(self, field: str, low: int | None, end: int | None) -> Query:
        low, end = -(1 << 62) if low is None else low, 1 << 62 if end is None else end
        return Query.range_query(self._schema, field, FieldType.Integer, low, end, True, False)
