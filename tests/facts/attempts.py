"""Strategies of attempts as callers send them: good, odd and broken."""

from hypothesis import strategies as st

NUMBERS = st.sampled_from(
    ("+12125550123", "2125550123", "(212) 555-0123", "+13055550100", "1-800-FLOWERS", "+442079460958", "911", "12", "", "2125550123x5", "+10000000000")
)
STATES = st.sampled_from(("FL", "NJ", "TX", "fl", "XX", "Florida", ""))
TEXT = st.sampled_from(("solar", "a", "", "unknown", "ünï", "d1"))
MOMENTS = st.one_of(
    st.builds(
        lambda day, time, fraction, offset: f"2026-{day}T{time}{fraction}{offset}",
        st.sampled_from(("03-03", "03-08", "11-01", "12-31", "02-29")),
        st.sampled_from(("00:00:00", "10:00:00", "23:59:59", "23:59:60", "24:00:00")),
        st.sampled_from(("", "", "", ".5", ".123456", ".123456789")),
        st.sampled_from(("Z", "Z", "-05:00", "+00:00", "-00:00", "+14:00", "-23:59", "+05:30", "z", "", "-05")),
    ),
    st.sampled_from(
        ("1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2098-12-31T23:59:59Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
         "2026-03-03 10:00:00Z", "2026-03-03t10:00:00Z", "2026-W10-2T10:00:00Z", "2026-03-03T10:00Z", "2026-03-03", "yesterday", "unknown", "")
    ),
)  # fmt: skip
GOOD_MOMENTS = st.builds(
    lambda day, time, offset: f"2026-{day}T{time}{offset}",
    st.sampled_from(("01-05", "03-03", "03-08", "11-01", "12-31")),
    st.sampled_from(("00:00:00", "10:00:00", "23:59:59", "10:00:00.25")),
    st.sampled_from(("Z", "-05:00", "+00:00", "-07:00")),
)
ODD = st.sampled_from((None, "unknown", "", 0, 1, True, 3.0, float("nan"), [], {}, ["unknown"], {"x": 1}, "none"))
FLAGS = st.sampled_from((True, False))
CHANNELS = st.sampled_from(("voice", "sms", "mms", "rvm", "fax"))
PURPOSES = st.sampled_from(
    ("telemarketing", "charitable", "political", "survey", "debt_collection", "healthcare", "informational", "emergency")
)
WINDOWS = st.sampled_from(
    ("09:00-17:00", {"every_day": "08:00-21:00"}, {"mon-fri": "09:00-12:00"}, [{"days": ["mon"], "from": "09:00", "to": "10:00"}], "9-5", ["09:00-10:00"])
)


def some(*words: str):
    return st.one_of(st.lists(st.sampled_from(words), max_size=3), st.sampled_from(words))


def part(odd: float, **fields) -> st.SearchStrategy[dict]:
    """An object with some of the fields; now and then one of them is odd, or there is a field that nobody knows."""
    spoilt = st.sampled_from((True, *([False] * max(1, round(1 / odd) - 1)))) if odd else st.just(False)

    @st.composite
    def build(draw):
        found = {name: draw(value) for name, value in fields.items() if draw(st.booleans())}
        if draw(spoilt):
            found[draw(st.sampled_from((*fields, "nobody_knows")))] = draw(ODD)
        return found

    return build()


def required(odd: float, names: tuple[str, ...], **fields) -> st.SearchStrategy[dict]:
    """The same, with fields that must be there mostly there."""

    @st.composite
    def build(draw):
        found = draw(part(odd, **fields))
        for name in names:
            if name not in found and not (odd and draw(st.integers(0, 5)) == 0):
                found[name] = draw(fields[name])
        return found

    return build()


def attempts(odd: float = 0.1) -> st.SearchStrategy[dict]:
    """Attempts; ``odd`` is how often something is wrong with an object. The campaign is one of ``c``, ``open`` and ``nobody``."""
    moments = st.one_of(GOOD_MOMENTS, GOOD_MOMENTS, GOOD_MOMENTS, MOMENTS) if odd else GOOD_MOMENTS
    windows = WINDOWS if odd else st.sampled_from(("09:00-17:00", {"every_day": "08:00-21:00"}))
    states = st.one_of(st.sampled_from(("FL", "NJ", "TX")), STATES) if odd else st.sampled_from(("FL", "NJ", "TX"))
    revocation = required(odd, ("at",), at=moments, scope=st.sampled_from(("all", "marketing", "category", "medium")), subject=TEXT, channel=CHANNELS, means=TEXT)
    past = required(
        odd, ("at",), at=moments, to=NUMBERS, channel=CHANNELS, purpose=PURPOSES, subject=TEXT, voice=st.sampled_from(("live", "prerecorded", "ai")), outcome=TEXT,
        debt=TEXT, **{"from": NUMBERS},
    )  # fmt: skip
    fields = {
        "id": TEXT,
        "from": NUMBERS,
        "at": moments,
        "reserve": FLAGS,
        "line_type": st.sampled_from(("wireless", "landline", "voip", "toll_free", "unknown")),
        "contact": part(
            odd, id=TEXT, state=states, zip=st.sampled_from(("33101", "33101-1234", "1")), county=TEXT, place=TEXT,
            timezone=st.sampled_from(("America/New_York", "Mars")), address_basis=st.sampled_from(("verified", "stated")),
            kind=st.sampled_from(("consumer", "business")), line_use=st.sampled_from(("residence", "business", "emergency_line", "patient_room")),
            agreed_hours=windows, inconvenient=windows, at_work=FLAGS, employer_forbids=FLAGS, attorney=FLAGS, ceased_at=moments, last_inbound_at=moments,
        ),
        "line": part(odd, charged=FLAGS, ported_to_wireless_at=moments),
        "consent": required(
            odd, ("level", "revoked_at"), level=st.sampled_from(("none", "express", "express_written")), form=some("oral", "request", "signed_permission", "agreement"),
            covers=some("live", "autodialed", "prerecorded", "ai", "rvm", "texts", "other_hours"), obtained_at=moments, requested_at=moments,
            expires_at=moments, channels=some("voice", "sms", "rvm"), revoked_at=moments, revoked_scope=st.sampled_from(("all", "medium")),
            revoked_subject=TEXT, revoked_channel=CHANNELS,
        ),
        "revocations": st.lists(revocation, max_size=2),
        "relationship": required(
            odd, ("kind",), kind=st.sampled_from(("none", "inquiry", "transaction", "personal")), last_at=moments, last_transaction_at=moments,
            last_inquiry_at=moments, ended_at=moments, current=FLAGS, open_contract=FLAGS, donor_at=moments, member=FLAGS, personal=FLAGS,
        ),
        "dnc": required(
            odd, ("internal",), national=FLAGS, national_since=st.sampled_from(("2020-01-01", "2020-01-01T00:00:00Z", *(["x"] if odd else []))), states=st.lists(states, max_size=2),
            lists=st.dictionaries(states, part(odd, listed=FLAGS, effective=st.just("2026-01-01")), max_size=2), internal=FLAGS,
            internal_since=moments, internal_scope=TEXT, reassigned=st.sampled_from(("yes", "no", "no_data")), reassigned_asked_at=moments, litigator=FLAGS,
        ),
        "history": part(
            odd, last_24h=st.integers(0, 5), last_7d=st.integers(0, 5), last_30d=st.integers(0, 5), attempts=st.lists(past, max_size=3),
            last_conversation_at=moments,
        ),
        "caller_id": part(odd, attestation=st.sampled_from(("A", "B", "C", "none")), callable=FLAGS, do_not_originate=FLAGS, name=TEXT, blocked=FLAGS),
        "message": part(odd, body=TEXT, first=FLAGS, optout_offered=FLAGS, free_to_end_user=FLAGS, confirms_revocation=FLAGS),
        "debt": part(odd, id=TEXT, third_party=FLAGS),
        "emergency": part(odd, declared=st.lists(required(odd, ("state",), state=states, county=TEXT), max_size=1)),
    }  # fmt: skip

    @st.composite
    def build(draw):
        sent = {"to": draw(NUMBERS), "channel": draw(CHANNELS), "campaign": draw(st.sampled_from(("c", "c", "c", "open", "nobody")))}
        for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=5, unique=True)):
            sent[name] = draw(fields[name])
        if odd and draw(st.integers(0, round(1 / odd))) == 0:
            sent[draw(st.sampled_from((*sent, *fields, "nobody_knows", "contact.state")))] = draw(ODD)
        return sent

    return build()
