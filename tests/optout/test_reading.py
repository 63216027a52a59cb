"""Reading one message: what is inserted, written otherwise or far too long, and how far a request reaches."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard import optout
from dialguard.packs.yamlfile import PackError

LAW = ("stop", "quit", "end", "revoke", "opt out", "optout", "opt-out", "cancel", "unsubscribe")
AROUND = st.text(alphabet=list(" \t\n.,;:!?-_*#()[]{}<>/\\|~^\"'“”‘’…·•🙏😡🤬👍🏽🇺🇸❤️🛑✋™©\u200b\u200d\ufeff\u00a0\x00\x07"), max_size=12)


@st.composite
def cased(draw: st.DrawFn, words: tuple[str, ...] = LAW) -> str:
    """A word of the law with each letter small or large."""
    return "".join(draw(st.sampled_from((letter, letter.upper()))) for letter in draw(st.sampled_from(words)))


@given(AROUND, cased(), AROUND)
@settings(max_examples=400, deadline=None)
def test_a_word_of_the_law_counts_whatever_marks_stand_around_it(before: str, word: str, after: str) -> None:
    heard = optout.read(before + word + after)
    assert (heard.verdict, heard.tier, heard.scope) == ("optout", "keyword", "all")


@given(cased(), st.lists(st.sampled_from(("please", "PLZ", "thanks!", "thank you", "now", "ok", "hi", "por favor", "sir")), max_size=3))
@settings(max_examples=200, deadline=None)
def test_courtesies_change_nothing(word: str, company: list[str]) -> None:
    half = len(company) // 2
    assert optout.read(" ".join([*company[:half], word, *company[half:]])).tier == "keyword"


@given(st.text(max_size=300), st.sampled_from((None, "en", "es", "xx")))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str, language: str | None) -> None:
    assert optout.read(text, language).verdict in ("optout", "unclear", "wrong_number", "help", "start", "none")
    assert optout.read(text, language).verdict == optout.read(text).verdict


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_nothing_before_it_hides_a_sentence_that_says_stop(text: str) -> None:
    assert optout.read(f"{text}\nSTOP").verdict == "optout"


@pytest.mark.parametrize("text", [None, 7, b"STOP", b"\xffstop", "", " ", "\ud800stop", [], object()])
def test_what_is_no_text_is_read_too(text: object) -> None:
    assert optout.read(text).verdict == ("optout" if isinstance(text, (bytes, str)) and len(text) > 1 else "none")


@pytest.mark.parametrize("filler", ["stop by ", "a ", "o", "dont want any more ", "\0", "no ", "не ", "🙂", "don't text me at ", "( "])
def test_a_long_message_is_read_to_its_end(filler: str) -> None:
    assert optout.read(f"{filler * (50_000 // len(filler))}\nunsubscribe me").verdict == "optout"


def test_a_megabyte_is_read_to_its_end() -> None:
    assert optout.read(f"{'stop by ' * 125_000}\nunsubscribe me{' ' * 1_000_000}").verdict == "optout"


@pytest.mark.parametrize(
    "text",
    [
        "ＳＴＯＰ", "ЅТОР", "ѕtор", "S\u200bT\u200bO\u200bP", "𝐒𝐓𝐎𝐏", "𝓼𝓽𝓸𝓹", "ⓢⓣⓞⓟ", "ꜱᴛᴏᴘ", "ŞŤÖP", "s\u0336t\u0336o\u0336p\u0336",
        "S T O P", "s-t-o-p", "5t0p", "STOP2",
    ],  # fmt: skip
)
def test_letters_that_only_look_otherwise(text: str) -> None:
    assert optout.read(text).verdict == "optout"


@pytest.mark.parametrize("text", ["停止", "退订", "отписаться", "توقف", "हेलो stop-less", "ni 好"])
def test_a_script_that_is_not_read_goes_to_a_person(text: str) -> None:
    assert optout.read(text).verdict == "unclear"


@pytest.mark.parametrize(
    ("text", "scope", "subject", "channel"),
    [
        ("stop the promos", "marketing", None, None),
        ("stop the promos and everything else", "all", None, None),
        ("stop the promos. stop calling", "all", None, None),
        ("no more ads, ever", "all", None, None),
        ("don't text me about insurance", "category", "insurance", None),
        ("don't text me about insurance or anything", "all", None, None),
        ("stop calling, text is fine", "medium", None, "voice"),
        ("stop calling and texting", "all", None, None),
        ("never call or text me, text is fine", "all", None, None),
        ("stop calling me", "all", None, None),
        ("no more texts, phone calls are ok", "medium", None, "sms"),
    ],
)
def test_a_scope_is_narrow_only_where_it_is_said(text: str, scope: str, subject: str | None, channel: str | None) -> None:
    heard = optout.read(text)
    assert (heard.verdict, heard.scope, heard.subject, heard.channel) == ("optout", scope, subject, channel)


def test_keep_counts_only_as_an_answer() -> None:
    assert optout.read("KEEP").verdict == "none"
    heard = optout.read("keep please", asked_scope="marketing")
    assert (heard.verdict, heard.tier, heard.scope) == ("optout", "answer", "marketing")
    assert optout.read("STOP", asked_scope="marketing").scope == "all"
    assert optout.read("keep nothing, stop texting me", asked_scope="marketing").scope == "all"


def test_numbers_are_not_repeated() -> None:
    heard = optout.read("Do not text me on 305-555-0123 again or stop texting 3055550123 number")
    assert heard.verdict == "optout" and "555" not in str(heard)
    assert "555" not in str(optout.read("do not text me about 3055550123"))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('Loved “Reply STOP to opt out”', "none"),
        ('Disliked “Reply STOP to opt out”', "unclear"),
        ('Loved “Sale today”. STOP', "optout"),
        ("liked your store but stop texting me", "optout"),
    ],
)
def test_a_reaction_quotes_the_sender(text: str, verdict: str) -> None:
    assert optout.read(text).verdict == verdict


def file(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_operator_adds_phrases(tmp_path: Path) -> None:
    own = file(tmp_path, "language: en\ngroups:\n  jar: [swear, cookie]\noptout:\n  - ^ <jar> jar $\nunclear:\n  - no (more) cookies\n")
    assert optout.read("Cookie jar!", own=[own]).verdict == "optout"
    assert optout.read("no cookies", own=[own]).verdict == "unclear"
    assert optout.read("cookie jar lid", own=[own]).verdict == optout.read("Cookie jar").verdict == "none"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("innocent:\n  - stop please stop\n", "1:1", "`innocent` is no key of such a file\n  an operator's file adds phrases to opt-outs"),
        ("ordinary: [stop]\n", "1:1", "`ordinary` is no key"),
        ("optuot: [x]\n", "1:1", "did you mean `optout`?"),
        ("optout: stop it\n", "1:1", "found `stop it`, expected a list"),
        ("optout:\n  - no\n  - 7\n", "3:5", "found `7`, expected words"),
        ("optout:\n  - <cease> it\n", "2:5", "there is no group <cease>"),
        ("optout:\n  - stop ^ it\n", "2:5", "`stop ^ it` is no phrase"),
        ("optout:\n  - (a b) c\n", "2:5", "`(a b) c` is no phrase"),
        ("optout:\n  - _ it\n", "2:5", "does not begin and end with words"),
        ("optout:\n  - (stop)\n", "2:5", "has no word that must be there"),
        ("optout:\n  - please\n", "2:5", "`please` is left out of every message"),
        ("optout:\n  - stop.*\n", "2:5", "is no word, group or choice"),
        ("- stop\n", "1:1", "found a list, expected a mapping"),
        ("groups: [a]\n", "1:1", "found a list, expected a mapping"),
    ],
)
def test_a_mistake_in_a_file_of_words_is_told(tmp_path: Path, text: str, place: str, message: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(PackError) as told:
        optout.read("stop", own=[path])
    assert str(told.value).startswith(f"{path}:{place}") and message in str(told.value)
