"""Frozen records of the newsroom and the archive; no behaviour beyond derived properties."""
