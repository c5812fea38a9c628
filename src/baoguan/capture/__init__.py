"""Responses to archived WARC records and back."""
