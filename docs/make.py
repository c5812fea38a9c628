"""`./run docs`: writes docs/reference.md from the program."""

from pathlib import Path

from baoguan.cli.reference import reference

if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), "utf-8")
