"""The features that CSS uses: of style sheets and of style attributes. Pure, except for the parser."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import tinycss2

from postroad_web.mailpit.htmlcheck import features

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NESTED = frozenset({"media", "supports", "layer", "container"})
_CHAINED = frozenset(features.SELECTOR[name] for name in ("attribute", "class", "id", "type"))
_DEEPEST = 8  # rules within rules
_MOST_TOKENS = 200_000  # of a message's style sheets


class Document:
    """How many elements of a message have a tag, a class, an ID."""

    def __init__(self) -> None:
        self.tags: Counter[str] = Counter()
        self.classes: Counter[str] = Counter()
        self.idents: Counter[str] = Counter()


class Styles:
    """Counts the uses of features. A rule of a style sheet counts for each element that it can concern."""

    def __init__(self, document: Document) -> None:
        self.uses: Counter[str] = Counter()
        self._document = document
        self._left = _MOST_TOKENS

    def attribute(self, text: str) -> None:
        """Count what a style attribute uses."""
        self._declarations(tinycss2.parse_declaration_list(text[:_MOST_TOKENS]), 1)

    def sheet(self, text: str) -> None:
        """Count what a style sheet uses."""
        self._rules(tinycss2.parse_stylesheet(text[:_MOST_TOKENS]), 0)

    def _rules(self, rules: Iterable[Any], depth: int) -> None:
        for rule in rules:
            if rule.type == "comment":
                self.uses[features.CSS_COMMENT] += 1
            elif rule.type == "at-rule":
                self._at_rule(rule, depth)
            elif rule.type == "qualified-rule":
                self._qualified(rule, depth)

    def _at_rule(self, rule: Any, depth: int) -> None:
        name = rule.lower_at_keyword
        if name in features.AT_RULES:
            self.uses[features.AT_RULES[name]] += 1
        if name == "media":
            self.uses.update({features.MEDIA_FEATURES.get(word, "") for word in _words(rule.prelude)} - {""})
        if rule.content is None or depth >= _DEEPEST:
            return
        if name in _NESTED:
            self._rules(tinycss2.parse_rule_list(rule.content), depth + 1)
        elif not name.endswith("keyframes"):
            self._declarations(tinycss2.parse_declaration_list(rule.content), 1)

    def _qualified(self, rule: Any, depth: int) -> None:
        concerned = 0
        selectors = list(_split(rule.prelude))
        if len(selectors) > 1:
            self.uses[features.SELECTOR["grouping"]] += 1
        for selector in selectors:
            concerned += self._selector(selector)
        if any(token.type == "{} block" for token in rule.content) and depth < _DEEPEST:
            self.uses[features.NESTING] += 1
        self._declarations(tinycss2.parse_declaration_list(rule.content), concerned)

    def _selector(self, tokens: list[Any]) -> int:
        """Count the parts of one selector; return how many elements it can concern."""
        parts = Counter(_parts(tokens))
        self.uses.update(slug for _, slug, _ in parts if slug)
        last = max((compound for compound, _, _ in parts), default=0)
        counts = []
        for compound, slug, name in parts:
            if compound == last:
                match slug:
                    case "css-selector-type":
                        counts.append(self._document.tags[name.lower()])
                    case "css-selector-class":
                        counts.append(self._document.classes[name])
                    case "css-selector-id":
                        counts.append(self._document.idents[name])
        return min(counts, default=1)

    def _declarations(self, declarations: Iterable[Any], times: int) -> None:
        for declaration in declarations:
            if declaration.type == "comment":
                self.uses[features.CSS_COMMENT] += 1
            elif declaration.type == "declaration" and times:
                for slug in self._declared(declaration):
                    self.uses[slug] += times

    def _declared(self, declaration: Any) -> set[str]:
        name = declaration.lower_name
        slugs = set(features.PROPERTIES.get(name, ()))
        if name.startswith("--"):
            slugs.add(features.VARIABLE)
        if declaration.important:
            slugs.add(features.IMPORTANT)
        for token in self._flat(declaration.value):
            if token.type == "ident":
                word = token.lower_value
                slugs |= {features.WORDS.get((name, word), ""), features.ANY_WORD.get(word, "")}
            elif token.type == "function":
                slugs.add(features.FUNCTIONS.get(token.lower_name, ""))
            elif token.type == "dimension":
                slugs.add(features.UNITS.get(token.lower_unit, ""))
            elif token.type == "percentage":
                slugs.add(features.PERCENT)
        return slugs - {""}

    def _flat(self, tokens: Iterable[Any]) -> Iterator[Any]:
        """Yield all tokens, those of functions and blocks too, without recursion."""
        waiting = list(tokens)
        while waiting and self._left:
            self._left -= 1
            token = waiting.pop()
            yield token
            waiting += getattr(token, "arguments", None) or getattr(token, "content", None) or ()


def _words(tokens: Iterable[Any]) -> Iterator[str]:
    waiting = list(tokens)
    while waiting:
        token = waiting.pop()
        if token.type == "ident":
            yield token.lower_value
        waiting += getattr(token, "content", None) or ()


def _split(tokens: list[Any]) -> Iterator[list[Any]]:
    """Yield the selectors of a list, without the white space around them."""
    selector: list[Any] = []
    for token in [*tokens, None]:
        if token is None or (token.type == "literal" and token.value == ","):
            while selector and selector[-1].type in {"whitespace", "comment"}:
                selector.pop()
            if selector:
                yield selector
            selector = []
        elif selector or token.type not in {"whitespace", "comment"}:
            selector.append(token)


def _parts(tokens: list[Any]) -> Iterator[tuple[int, str, str]]:
    """Yield the simple selectors and combinators: the number of the compound, the feature, a name."""
    compound, simple, chained, before = 0, 0, 0, ""
    previous: Any = None
    for token in tokens:
        slug, name = "", ""
        literal = token.value if token.type == "literal" else ""
        if literal in features.COMBINATORS:
            yield compound, features.COMBINATORS[literal], ""
            compound, simple, chained, before = compound + 1, 0, 0, literal
        elif token.type == "whitespace":
            before = before or " "
            previous = None
            continue
        else:
            if before == " " and simple:
                yield compound, features.SELECTOR["descendant"], ""
                compound, simple, chained = compound + 1, 0, 0
            before = ""
            slug, name = _simple(token, previous)
            if slug:
                simple += 1
                chained += slug in _CHAINED
                yield compound, slug, name
                if slug in _CHAINED and chained == 2:
                    yield compound, features.SELECTOR["chaining"], ""
        previous = token


def _simple(token: Any, previous: Any) -> tuple[str, str]:
    """Return the feature of one token, which follows another of the same compound, and the name that it has."""
    after = previous.value if previous is not None and previous.type == "literal" else ""
    if token.type == "ident":
        if after == ".":
            return features.SELECTOR["class"], token.value
        if after == ":":
            named = features.PSEUDO_CLASSES.get(token.lower_value) or features.PSEUDO_ELEMENTS.get(token.lower_value)
            return named or "", ""
        return features.SELECTOR["type"], token.value
    if token.type == "function" and after == ":":
        return features.PSEUDO_CLASSES.get(token.lower_name, ""), ""
    if token.type == "hash":
        return features.SELECTOR["id"], token.value
    if token.type == "[] block":
        return features.SELECTOR["attribute"], ""
    if token.type == "literal" and token.value == "*":
        return features.SELECTOR["universal"], ""
    return "", ""
