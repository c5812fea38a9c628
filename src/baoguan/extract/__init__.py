"""Bytes and rules to Article. Pure."""
