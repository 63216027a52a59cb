"""The signature of a webhook is what Twilio's own library reckons."""

import hypothesis.strategies as st
import pytest
from hypothesis import given
from twilio.request_validator import RequestValidator

from dialguard.service.compat.signature import forms, is_body, is_signed, signature

TOKEN, URL = "12345", "https://mycompany.com/myapp.php?foo=1&bar=2"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


class Form(dict):
    """A form in which a field stands several times, as frameworks hand it to the library."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def test_the_example_of_the_documentation() -> None:
    fields = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212", "Caller": "+14158675309"}
    assert signature(TOKEN, URL, list(fields.items())) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert is_signed(["other", TOKEN], URL, list(fields.items()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not is_signed(["other"], URL, list(fields.items()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not is_signed([], URL, list(fields.items()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6))
def test_any_form(fields: list[tuple[str, str]]) -> None:
    form = Form()
    for name, value in fields:
        form.setdefault(name, []).append(value)
    assert signature(TOKEN, URL, fields) == RequestValidator(TOKEN).compute_signature(URL, form)


@pytest.mark.parametrize(
    "called", ["https://a.example/x?y=1", "https://a.example:443/x", "http://a.example:80/x", "https://a.example:8443/x"]
)
def test_with_the_port_and_without(called: str) -> None:
    for form in forms(called):
        given = RequestValidator(TOKEN).compute_signature(form, {"a": "b"})
        assert is_signed([TOKEN], called, [("a", "b")], given)
        assert RequestValidator(TOKEN).validate(called, {"a": "b"}, given)
    other = RequestValidator(TOKEN).compute_signature("https://a.example:9/x", {"a": "b"})
    assert not is_signed([TOKEN], called, [("a", "b")], other)


def test_the_digest_of_a_body() -> None:
    assert is_body(b'{"a": "\xc3\xa9"}', RequestValidator(TOKEN).compute_hash('{"a": "é"}'))
    assert not is_body(b"{}", RequestValidator(TOKEN).compute_hash("{} "))
    assert not is_body(b"{}", "") and not is_body(b"{}", "é")
