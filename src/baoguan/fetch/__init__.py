"""The only network client: politeness, robots, retry, proxies, limits."""
