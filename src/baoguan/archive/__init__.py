"""The store: batches, revisions, the log, verify."""
