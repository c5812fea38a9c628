"""libvips behind the picture proxy: the only place that imports pyvips."""
