"""The reader over HTTP: parse the request, call the archive, render."""
