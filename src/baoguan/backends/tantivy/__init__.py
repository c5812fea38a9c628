"""tantivy behind the search port: for archives of more than about 100,000 articles."""
