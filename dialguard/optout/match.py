"""A message as words, and the phrases that stand in it."""

import re
from typing import NamedTuple

from dialguard.optout.fold import fold
from dialguard.optout.lexicon import ANY, GAP, MAX_GAP, Lexicon, Node, Phrase

_LIKE_LETTERS = str.maketrans("0134578", "oieastb")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_LONGEST_SPELLED = 12
_DIGITS = re.compile(r"^\d+|\d+$")
_SENTENCE = frozenset(".!?;\n…")


class Words(NamedTuple):
    """The words of a message, and before each how much it is parted from the last: 0 not, 1 a clause begins, 2 a sentence."""

    words: list[str]
    parted: list[int]


class Match(NamedTuple):
    """A phrase that stands in a message, from word ``start`` to before ``end``; ``any`` is the place of its last free word."""

    start: int
    end: int
    phrase: Phrase
    any: int | None


def split(text: str, lexicon: Lexicon) -> Words:
    """The words of a message in their usual spelling, without those that change nothing."""
    words: list[str] = []
    parted: list[int] = []
    known, carried, end = lexicon.words, 2, 0
    plain = fold(text)
    for found in lexicon.token.finditer(plain):
        token, gap = found[0], plain[end : found.start()]
        end = found.end()
        if gap != " " and gap != "":
            here = 2 if not _SENTENCE.isdisjoint(gap) else 0 if gap.isspace() or gap.strip() in "-/" else 1
            carried = max(carried, here)
        elif gap == "" and not token.isalnum():
            carried = max(carried, 1)
        if len(token) == 1 and words and len(words[-1]) == 1 and token.isalpha() and words[-1].isalpha():
            words.append(token)  # letters one by one, joined where they make a word
            parted.append(carried)
            carried = 0
            for count in range(min(len(words), _LONGEST_SPELLED), 2, -1):
                letters = words[-count:]
                if "".join(letters) in known and all(len(letter) == 1 for letter in letters):
                    del words[-count:], parted[1 - count :]
                    words.append("".join(letters))
                    break
            continue
        word = _spelled(token, lexicon)
        if word in lexicon.ignored:
            continue
        pair = lexicon.pairs.get((words[-1], word)) if words and carried < 2 else None
        if pair is not None:
            if pair in lexicon.ignored:
                carried = max(carried, parted.pop())
                words.pop()
                continue
            words[-1] = pair
        else:
            words.append(word)
            parted.append(carried)
        carried = 0
    return Words(words, parted)


def _spelled(token: str, lexicon: Lexicon) -> str:
    """The usual spelling of one word."""
    known = lexicon.words
    if token in lexicon.same:
        return lexicon.same[token]
    if token in known or (token.isalpha() and len(token) < 4):
        return token
    if not token.isalpha() and not token.isdigit() and token.isalnum():
        for form in (token.translate(_LIKE_LETTERS), _DIGITS.sub("", token)):
            form = lexicon.same.get(form, form)
            if form in known:
                return form
    if _REPEATED.search(token):
        for form in (_REPEATED.sub(r"\1", token), _REPEATED.sub(r"\1\1", token)):
            form = lexicon.same.get(form, form)
            if form in known:
                return form
    return lexicon.misspelled.get(token, token)


def find(words: Words, lexicon: Lexicon) -> list[Match]:
    """Every phrase that stands in the message; one that must stand alone only where it does."""
    tokens, parted = words
    size = len(tokens)
    opens, closes, first, last = _clauses(words, lexicon)
    root, labels, known = lexicon.root, lexicon.labels, lexicon.words
    found: list[Match] = []
    lonely: list[Match] = []
    for start, token in enumerate(tokens):
        if token not in known:
            continue
        stack: list[tuple[Node, int, int | None]] = [(node, start + 1, None) for node in root.step(token, labels)]
        while stack:
            node, place, free = stack.pop()
            for phrase in node.ends:
                if phrase.alone:
                    lonely.append(Match(start, place, phrase, free))
                elif not (phrase.opens and not opens[start]) and not (phrase.closes and not closes[place]):
                    found.append(Match(start, place, phrase, free))
            following = node.next
            if not following or place == size or parted[place] == 2:
                continue
            token = tokens[place]
            if token in known:
                stack += [(after, place + 1, free) for after in node.step(token, labels)]
            if ANY in following:
                stack.append((following[ANY], place + 1, place))
            if GAP in following:  # a gap stands between words: what follows it is a word
                after = following[GAP]
                for at in range(place, min(place + MAX_GAP + 1, size)):
                    if at > place and parted[at] == 2:
                        break
                    if tokens[at] in known:
                        stack += [(beyond, at + 1, free) for beyond in after.step(tokens[at], labels)]
    return found + _alone(lonely, first, last)


def _clauses(words: Words, lexicon: Lexicon) -> tuple[list[bool], list[bool], int, int]:
    """Where a clause may begin and end, courtesies apart, and the part of the message that is no courtesy."""
    tokens, parted = words
    size, courtesies = len(tokens), lexicon.courtesies
    light = [token in courtesies or token.isdigit() or not token.isalnum() for token in tokens]
    opens = [False] * (size + 1)
    closes = [False] * (size + 1)
    for place in range(size):
        opens[place] = parted[place] > 0 or (place > 0 and opens[place - 1] and light[place - 1])
    for place in range(size, 0, -1):
        closes[place] = place == size or parted[place] > 0 or (closes[place + 1] and light[place])
    first, last = 0, size
    while first < last and light[first]:
        first += 1
    while last > first and light[last - 1]:
        last -= 1
    return opens, closes, first, last


def _alone(lonely: list[Match], first: int, last: int) -> list[Match]:
    """The matches that together fill the message, courtesies apart."""
    for section in {match.phrase.section for match in lonely}:
        matches = [match for match in lonely if match.phrase.section == section]
        covered = {place for match in matches for place in range(match.start, match.end)}
        if covered and covered.issuperset(range(first, last)) and (first < last or matches):
            return matches
    return []
