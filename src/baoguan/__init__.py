"""baoguan 报馆: a news archive that keeps, and proves what it kept."""

__version__ = "0.1.0"
__all__ = ["__version__"]
