"""Choose, rewrite and measure pictures. Pure: bytes, addresses and records in, the same out."""
