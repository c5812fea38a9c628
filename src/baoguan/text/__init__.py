"""Pure helpers, each module named after its subject."""
