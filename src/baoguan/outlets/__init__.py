"""One TOML file an outlet; code beside it only for what data cannot say."""
