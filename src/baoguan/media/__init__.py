"""Choose, rewrite and measure pictures. Pure but for the codec."""
