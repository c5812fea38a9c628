"""Search, the pure part: one analyser for every engine, the query language, snippets."""
