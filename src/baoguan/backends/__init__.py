"""Engines behind the ports; each knows one."""
