"""Selectors as chains of (combinator, compound): what reading XPath builds, and how it is written as CSS."""

import re

_SPECIAL = re.compile(r"[^\w-]")
Chain = tuple[tuple[str, str], ...]
"""Steps of (combinator, compound); the first combinator is empty, or that of a relative selector."""


class BeyondCssError(Exception):
    """The path says more than CSS can."""


def render(chain: Chain) -> str:
    """A chain as a selector."""
    out = ""
    for number, (combinator, compound) in enumerate(chain):
        sign = combinator.strip()
        out += (" " if number else "") + (f"{sign} " if sign else "") + compound
    return out


def quote(text: str) -> str:
    """A string for CSS."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\a ") + '"'


def attribute_name(name: str) -> str:
    """The name of an attribute or element for CSS."""
    return _SPECIAL.sub(r"\\\g<0>", name.lower()) if name != "*" else name


class Compound:
    """One step's element: its tag and the tests on it. `plain` while it is nothing but a tag."""

    __slots__ = ("css", "plain", "position")

    def __init__(self, css: str, *, plain: bool = True, position: str = "") -> None:
        self.css = css
        self.plain = plain
        self.position = position

    def with_test(self, suffix: str) -> "Compound":
        """With one more test."""
        bare = self.css == "*"
        return Compound(suffix if bare else self.css + suffix, plain=False, position=self.position)

    def with_position(self, formula: str) -> "Compound":
        """The n-th (last) of those among its siblings that match so far."""
        last = formula == "last"
        number = "1" if last else formula
        if not self.plain:
            kind = f":nth-{'last-' if last else ''}child({number} of {self.css})"
            return Compound(kind, plain=False, position=number)
        of = "child" if self.css == "*" else "of-type"
        return Compound(f"{self.css}:nth-{'last-' if last else ''}{of}({number})", position=number)


def narrowed(chain: Chain, suffix: str) -> Chain:
    """A chain whose last compound is tested further."""
    if not chain:
        return (("", suffix),)
    return (*chain[:-1], (chain[-1][0], chain[-1][1] + suffix))


def parents_of(chain: Chain, test: str) -> list[Chain]:
    """The parents of what a chain selects, where they match `test`."""
    if not chain:
        raise BeyondCssError
    combinator, last = chain[-1]
    has = f":has(> {last})"
    if combinator == ">" and len(chain) > 1:
        return [narrowed(chain[:-1], ("" if test == "*" else f":is({test})") + has)]
    if combinator in ("", " "):
        found: list[Chain] = [(*chain[:-1], (combinator, ("" if test == "*" else test) + has))]
        if len(chain) > 1:
            found.append(narrowed(chain[:-1], ("" if test == "*" else f":is({test})") + has))
        return found
    raise BeyondCssError


def exists(chains: list[Chain], suffix: str) -> str:
    """The suffix of a compound that says: something on these relative chains, with `suffix`, is there."""
    found = []
    for chain in chains:
        if chain and chain[0][0]:
            found.append(f":has({render(narrowed(chain, suffix))})")
        elif len(chain) > 1 or not (chain or suffix):
            raise BeyondCssError
        else:
            found.append((chain[0][1] if chain else "") + suffix)
    return found[0] if len(found) == 1 else f":is({', '.join(found)})"
