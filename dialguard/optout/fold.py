"""A message as plain small Latin letters: accents, full-width and other styled letters, look-alikes of other scripts, what is not seen."""

import unicodedata

_ALIKE = str.maketrans(
    "авсԁеһіјкӏмноԛрѕтуԝхьгп" "αβεηικμνορτυχωγ" "օսոցհ" "ꜱᴛᴏᴘᴇɴᴅᴜɪʙᴄʀᴠᴋʟᴀᴍ" "ıłøđ",
    "abcdehijklmhoqpstywxbrn" "abenikuvoptuxwy" "ounqh" "stopenduibcrvklam" "ilod",
)
"""Letters of Cyrillic, Greek, Armenian and phonetic writing that look like Latin ones."""
_PARTED = frozenset("\u24c2\u2122\u2139\u3297\u3299\u3164\u2800\ufffd")
"""Signs that would turn into letters, and blanks that count as letters: they part words."""
_REMEMBERED = 20_000
_UNSEEN = frozenset(("Cc", "Cf", "Mn", "Me", "Mc"))


class _Fold(dict[int, str]):
    """A table for ``str.translate`` that works out each character once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85":
            text = " " if character == "\t" else "\n"
        elif character in "'’‘ʼ`´＇":
            text = ""  # don't and dont are one word
        elif character in _PARTED:
            text = " "
        elif character == "&":
            text = " and "
        else:
            plain = unicodedata.normalize("NFKD", character).lower()
            text = "".join(part for part in plain if unicodedata.category(part) not in _UNSEEN).translate(_ALIKE)
            if text == plain == character and unicodedata.category(character) in ("Cs", "Co", "Cn"):
                text = " "
        if len(self) < _REMEMBERED:
            self[code] = text
        return text


_TABLE = _Fold()


def fold(text: str) -> str:
    """The text in small Latin letters as far as it can be read so; length and places are not kept."""
    return text.translate(_TABLE)
