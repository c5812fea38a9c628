"""XPath as site rules write it -> CSS, as far as CSS can say it: axes, attribute tests, positions, text, and/or/not.

A path becomes chains of (combinator, compound); each axis extends, filters or turns them round (`parent::div` of `p` is
`div:has(> p)`). What CSS can't say (text that equals, counts, string functions) is None, never a guess.
"""

import re

from baoguan.extract.selectors import (
    BeyondCssError,
    Chain,
    Compound,
    attribute_name,
    exists,
    narrowed,
    parents_of,
    quote,
    render,
)

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>\d+(?:\.\d+)?)|(?P<sign>::|//|\.\.|!=|<=|>=|[/\[\]()|,@.=<>*+])"""
    r"""|(?P<name>[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff-]*(?::(?!:)[A-Za-z_][\w.-]*)?))"""
)
_MAX_CHARS, _MAX_TOKENS, _MAX_CHAINS = 4000, 600, 40
_WORD = re.compile(r"^ ?([^\s]+) ?$")
_COMPARISONS = ("=", "!=", "<", ">", "<=", ">=")
_BOUNDS = {
    "<": lambda n: f"-n+{n - 1}",
    "<=": lambda n: f"-n+{n}",
    ">": lambda n: f"n+{n + 1}",
    ">=": lambda n: f"n+{n}",
}


class Selection:
    """What a path selects: `css`, and the attribute that it reads (empty: the text)."""

    __slots__ = ("attribute", "css")

    def __init__(self, css: str, attribute: str) -> None:
        self.css = css
        self.attribute = attribute


def selection_of(xpath: str) -> Selection | None:
    """The selector list of an XPath and the attribute at its end; None when it says more than CSS can."""
    try:
        parser = _Parser(_tokens(xpath.strip().lstrip(":")))
        chains, attribute = parser.union("")
        parser.expect_end()
    except (BeyondCssError, RecursionError):
        return None
    if not all(chain and chain[0][0] in ("", " ") for chain in chains):
        return None
    return Selection(", ".join(dict.fromkeys(render(chain) for chain in chains)), attribute)


def css_of(xpath: str) -> str | None:
    """The selector list alone."""
    found = selection_of(xpath)
    return None if found is None else found.css


def _tokens(text: str) -> list[tuple[str, str]]:
    if len(text) > _MAX_CHARS:
        raise BeyondCssError
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(found) > _MAX_TOKENS:
            if text[at:].strip():
                raise BeyondCssError
            break
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        at = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """The text of a token, empty at the end; a literal keeps its quotes."""
        return self.tokens[self.at + ahead][1] if self.at + ahead < len(self.tokens) else ""

    def kind(self) -> str:
        """Of the next token: text, number, sign, name or empty."""
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, *signs: str) -> bool:
        """Goes past the next token when it is one of `signs`."""
        if self.kind() in ("sign", "name") and self.peek() in signs:
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        """Goes past `sign`."""
        if not self.take(sign):
            raise BeyondCssError

    def expect_end(self) -> None:
        """Nothing may follow."""
        if self.at < len(self.tokens):
            raise BeyondCssError

    # paths

    def union(self, start: str) -> tuple[list[Chain], str]:
        """Paths joined by `|`; `start`: combinator of the first step of a relative path, empty at the root."""
        chains, attribute = self.path(start)
        while self.take("|"):
            more, other = self.path(start)
            if other != attribute:
                raise BeyondCssError
            chains = chains + more
        if not chains or len(chains) > _MAX_CHAINS:
            raise BeyondCssError
        return chains, attribute

    def path(self, start: str) -> tuple[list[Chain], str]:
        """One path: chains and the attribute at its end."""
        if self.take("("):
            chains, attribute = self.group(start)
            if attribute or self.peek() not in ("/", "//"):
                return chains, attribute
        elif self.take("."):
            chains = [()]
            if self.peek() not in ("/", "//"):
                return [self.predicates(chain) for chain in chains], ""
        elif self.peek() in ("/", "//"):
            self.at += 1
            return self.steps([()], "")
        else:
            return self.steps([()], start)
        self.at += 1
        return self.steps(chains, " " if self.tokens[self.at - 1][1] == "//" else ">")

    def group(self, start: str) -> tuple[list[Chain], str]:
        """A union in brackets; `(...)[1]` is taken as all of it: of texts rules read the first, bodies stand alone."""
        chains, attribute = self.union(start)
        self.need(")")
        while self.take("["):
            if self.position() not in ("1", "last"):
                raise BeyondCssError
            self.need("]")
        return chains, attribute

    def steps(self, chains: list[Chain], combinator: str) -> tuple[list[Chain], str]:
        """The steps of a path; what follows `@` or text() ends it."""
        while True:
            if self.take("@"):
                name = self.name()
                if name == "*":
                    raise BeyondCssError
                return chains, attribute_name(name)
            if self.peek() == "text" and self.peek(1) == "(":
                self.at += 3
                return chains, ""
            chains = self.step(chains, combinator)
            if self.take("//"):
                combinator = " "
            elif self.take("/"):
                combinator = ">"
            else:
                return chains, ""

    def name(self) -> str:
        """A name or `*`."""
        if self.take("*"):
            return "*"
        if self.kind() != "name":
            raise BeyondCssError
        self.at += 1
        return self.tokens[self.at - 1][1]

    def step(self, chains: list[Chain], combinator: str) -> list[Chain]:
        """One step: axis, name and predicates applied to each chain."""
        if self.take(".."):
            return [one for chain in chains for one in parents_of(chain, "*")]
        if self.take("."):
            return [self.predicates(chain) for chain in chains]
        axis = "child"
        if self.peek(1) == "::":
            axis = self.name()
            self.at += 1
        if self.peek(1) == "(" and self.peek() == "node":
            self.at += 2
            self.need(")")
            tag = "*"
            if axis in ("child", "descendant"):
                raise BeyondCssError
        else:
            tag = attribute_name(self.name())
        if self.peek() == "(":
            raise BeyondCssError
        compound, tests = Compound(tag), self.at
        found = []
        for chain in chains:
            self.at = tests
            found += self.one_step(chain, combinator, axis, compound)
        return found

    def one_step(self, chain: Chain, combinator: str, axis: str, compound: Compound) -> list[Chain]:
        """One chain after a step."""
        if axis.endswith("-sibling"):
            return [self.sibling(chain, compound, later=axis == "following-sibling")]
        tested = self.tests(compound)
        if axis in ("child", "descendant", "descendant-or-self"):
            return [(*chain, (combinator if axis == "child" or not combinator else " ", tested.css))]
        if axis == "self" and combinator in (">", ""):
            return [narrowed(chain, f":is({tested.css})")]
        if axis == "parent":
            return parents_of(chain, tested.css) if chain else [(("", f":is({tested.css} > *)"),)]
        if axis not in ("ancestor", "ancestor-or-self") or tested.position or len(chain) > 1:
            raise BeyondCssError
        return [(("", f"{tested.css}:has({chain[0][1]})" if chain else f":is({tested.css} *)"),)]

    def sibling(self, chain: Chain, compound: Compound, *, later: bool) -> Chain:
        """A step to later or earlier siblings; `[1]` is the next one of them."""
        bare = self.tests(compound, positions=False)
        next_one = self.peek() == "[" and self.peek(1) == "1" and self.peek(2) == "]"
        if self.peek() == "[" and not next_one:
            raise BeyondCssError
        self.at += 3 if next_one else 0
        sign = "+" if next_one and bare.css == "*" else "~"
        if next_one:
            bare = self.tests(bare) if sign == "+" else bare
        if not later:
            if next_one and sign == "~":
                raise BeyondCssError
            if not chain:
                return (("", f":is({bare.css} {sign} *)"),)
            return (*chain[:-1], (chain[-1][0], f"{bare.css}:has({sign} {chain[-1][1]})"))
        if next_one and sign == "~" and chain:
            return (*chain, ("~", f"{bare.css}:not({chain[-1][1]} ~ {bare.css} ~ {bare.css})"))
        return (*chain, (sign, bare.css))

    def predicates(self, chain: Chain) -> Chain:
        """`.[...]`: tests of what is there already."""
        if self.peek() != "[":
            return chain
        if not chain:
            raise BeyondCssError
        return (*chain[:-1], (chain[-1][0], self.tests(Compound(chain[-1][1], plain=False)).css))

    # predicates

    def tests(self, compound: Compound, *, positions: bool = True) -> Compound:
        """The predicates that follow; without `positions`, up to the first that counts."""
        while self.peek() == "[":
            if not positions and self.tokens[self.at + 1 : self.at + 2] and self.tokens[self.at + 1][0] == "number":
                return compound
            self.at += 1
            formula = self.position()
            compound = compound.with_position(formula) if formula else compound.with_test(self.either())
            self.need("]")
        return compound

    def position(self) -> str:
        """The formula of a predicate that counts: 2, last, -n+3; empty where it is another."""
        if self.kind() == "number":
            number = self.peek()
            self.at += 1
            if self.peek() != "]" or not number.isdigit():
                raise BeyondCssError
            return number
        if self.peek() == "last" and self.peek(3) == "]":
            self.at += 3
            return "last"
        if self.peek() != "position":
            return ""
        self.at += 3
        sign = self.peek()
        self.at += 1
        if sign == "=" and self.peek() == "last":
            self.at += 3
            return "last"
        if self.kind() != "number" or sign not in (*_BOUNDS, "=") or not self.peek().isdigit():
            raise BeyondCssError
        bound = int(self.peek())
        self.at += 1
        return str(bound) if sign == "=" else _BOUNDS[sign](bound)

    def either(self) -> str:
        """Tests joined by `or`."""
        parts = [self.all()]
        while self.take("or"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else f":is({', '.join(parts)})"

    def all(self) -> str:
        """Tests joined by `and`."""
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return "".join(parts)

    def one(self) -> str:
        """One test as a suffix of a compound."""
        if self.peek() == "(":
            before = self.at
            self.at += 1
            found = self.either()
            self.need(")")
            if self.peek() not in ("/", "//", "["):
                return found
            self.at = before
        if self.peek(1) == "(" and self.peek() in ("not", "contains", "starts-with", "ends-with"):
            name = self.name()
            self.need("(")
            found = f":not({self.either()})" if name == "not" else self.compares(name)
            self.need(")")
            return found
        chains, attribute, text = self.operand()
        if self.peek() not in _COMPARISONS:
            if text:
                raise BeyondCssError
            return exists(chains, f"[{attribute}]" if attribute else "")
        sign = self.peek()
        self.at += 1
        value = self.literal()
        if not attribute or sign not in ("=", "!="):
            raise BeyondCssError
        same = f"[{attribute}={value}]"
        return exists(chains, f"[{attribute}]:not({same})" if sign == "!=" else same)

    def literal(self) -> str:
        """A string, quoted for CSS."""
        if self.kind() != "text":
            raise BeyondCssError
        self.at += 1
        return quote(self.tokens[self.at - 1][1][1:-1])

    def compares(self, name: str) -> str:
        """contains(), starts-with() and ends-with() of an attribute, or contains() of text."""
        word = self.peek() == "concat"
        chains, attribute, text = self.operand()
        self.need(",")
        value = self.literal()
        plain = value[1:-1]
        if text and name == "contains" and plain:
            own = f":lexbor-contains({value})"
            return exists(chains, f":is({own}, :has({own}))" if text == "deep" else own)
        if not attribute:
            raise BeyondCssError
        if not word:
            sign = {"contains": "*=", "starts-with": "^=", "ends-with": "$="}[name]
            return exists(chains, f"[{attribute}{sign}{value}]" if plain else f"[{attribute}]")
        bare = _WORD.match(plain)
        if bare is None or name != "contains":
            raise BeyondCssError
        sign = "~=" if plain[:1] == plain[-1:] == " " else "*="
        return exists(chains, f'[{attribute}{sign}"{bare[1]}"]')

    def operand(self) -> tuple[list[Chain], str, str]:
        """What a test looks at: relative chains, the attribute, and for text `own` or `deep`."""
        if self.peek(1) == "(" and self.peek() in ("normalize-space", "string"):
            self.at += 2
            found: tuple[list[Chain], str, str] = ([()], "", "deep") if self.peek() == ")" else self.operand()
            self.need(")")
            return found
        if self.peek(1) == "(" and self.peek() == "concat":
            self.at += 2
            self.space()
            self.need(",")
            found = self.operand()
            self.need(",")
            self.space()
            self.need(")")
            return found
        start = self.at
        chains, attribute = self.union(">")
        if attribute:
            return chains, attribute, ""
        if [token[1] for token in self.tokens[max(self.at - 3, start) : self.at]] == ["text", "(", ")"]:
            return chains, "", "own"
        alone = self.at - start == 1 and self.tokens[start][1] == "."
        return chains, "", "deep" if alone or self.peek() == "," else ""

    def space(self) -> None:
        """A literal of one space."""
        if self.literal() != '" "':
            raise BeyondCssError
