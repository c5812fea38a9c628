"""Renderings of articles: Markdown, Atom, the ancestors' tree."""
