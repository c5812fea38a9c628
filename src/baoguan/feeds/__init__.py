"""Bytes to feed items, and when to poll next. Pure."""
