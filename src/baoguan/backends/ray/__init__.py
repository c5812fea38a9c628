"""Ray: work on the machines of a cluster."""
