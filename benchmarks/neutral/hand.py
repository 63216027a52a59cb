"""The neutral rules as a good developer writes them by hand: tables for what differs by state, the rest as nested ifs.

Returns ids only. No file, citation, unknown fact, date of law or explanation: a floor, not an alternative.
"""

from collections.abc import Callable, Mapping

from benchmarks.neutral.rules import STATES, rule_id

Table = Mapping[str, object]


def checker() -> Callable[[Mapping[str, object]], list[str]]:
    """The hand-written check, its tables made."""
    ids = {name: {code: rule_id(f"{name}-{code}", code) for code in STATES} for name in ("CW", "HOL", "DNC", "CON-MINI", "PRE-ADAD")}
    hours_id, closed_id, list_id, mini_id, recorded_id = ids.values()
    hours = {code: _week() for code in STATES}
    for codes, week in {
        "FL OK MA WA WY MD": _week((480, 1200)), "CT NV IN": _week((540, 1200)), "NM MN": _week((540, 1260)),
        "AL LA MS": _week((480, 1200), sunday=None), "UT": _week(sunday=None), "SD": _week((540, 1260), sunday=None),
        "RI": _week((540, 1080), (600, 1020), None), "TX": _week((540, 1260), (540, 1260), (720, 1260)),
        "KY": _week((600, 1260)), "SC": _week((480, 1140)), "ME": _week((540, 1020)), "NE": _week(sunday=(780, 1260)),
    }.items():  # fmt: skip
        hours.update(dict.fromkeys(codes.split(), week))
    closed = {
        "AL": {101, 704, 1126, 1225}, "LA": {101, 704, 1111, 1126, 1225, 217}, "MS": {101, 704, 1225}, "NE": {1225},
        "PA": {101, 704, 1225}, "RI": {101, 704, 1126, 1225, 525}, "UT": {101, 704, 724, 1126, 1225}, "OK": {1225, 101},
    }  # fmt: skip
    caps = {"FL": ("fl.freq-1", 3), "OK": ("ok.freq-2", 3), "MD": ("md.freq-3", 3), "WA": ("wa.freq-4", 2)}
    lists = {
        "CO": 540, "FL": -1, "IN": -1, "LA": 180, "MA": 540, "MO": 540, "OK": 365, "PA": 365, "TN": 365, "TX": 540, "WY": 180, "MS": 180,
    }  # fmt: skip
    lists_spare, mini_spare = {"IN", "MS", "WY"}, {"OK", "MD", "VA"}
    mini = {"FL", "OK", "WA", "MD", "CT", "NJ", "GA", "AZ", "NY", "VA"}
    recorded_states = {"AR", "CA", "IN", "MN", "MT", "NC", "ND", "NJ"}
    machine_politics = {"AR", "IN", "MT", "NC", "ND", "SC", "WY"}

    def check(a: Mapping[str, object]) -> list[str]:
        found = []
        purpose, state, minute, mode, consent = a["purpose"], a["state"], a["local_minute"], a["dialing_mode"], a["consent"]
        voice, machine, exempt, line = a["channel"] == "voice", mode != "manual", a["exempt_org"], a["line_type"]
        if purpose == "telemarketing":
            if not exempt:
                opens, closes = hours[state][a["local_dow"]]
                if not opens <= minute < closes:
                    found.append(hours_id[state])
                if state in closed and a["local_mmdd"] in closed[state]:
                    found.append(closed_id[state])
            if not 480 <= minute < 1260:
                found.append("us.cw-fed")
            if state in caps and a["attempts_24h"] >= caps[state][1]:
                found.append(caps[state][0])
            if not voice:
                if state == "TX" and a["local_dow"] == 6 and minute < 720:
                    found.append("tx.cw-tx-sms")
                if state == "NY" and a["attempts_24h"] >= 4:
                    found.append("ny.freq-9")
            if consent < 2:
                customer = a["ebr_purchase_days"] <= 540 or a["ebr_inquiry_days"] <= 90
                if a["dnc_national"] and not exempt and not customer:
                    found.append("us.dnc-nat")
                if a["dnc_state"] and state in lists and a["ebr_purchase_days"] > lists[state] and not (exempt and state in lists_spare):
                    found.append(list_id[state])
                if machine:
                    if line == "wireless":
                        found.append("us.con-auto-wireless-tm")
                    elif mode == "prerecorded":
                        found.append("us.con-pre-land-tm")
                    if state in mini and not (exempt and state in mini_spare) and not (customer and (state == "GA" or state == "AZ")):
                        found.append(mini_id[state])
                if not voice:
                    found.append("us.con-sms-tm")
            elif machine and a["consent_age"] > 1825:
                found.append("us.con-stale")
            if mode == "predictive":
                if a["abandon_ppm"] > 30_000:
                    found.append("us.abn")
                if a["abandon_ppm"] > 25_000 and state in ("CA", "NY", "TX"):
                    found.append("us.abn-st")
        elif purpose == "informational":
            if not voice:
                if not 420 <= minute < 1320:
                    found.append("us.cw-ebr-sms")
                if a["attempts_24h"] >= 3:
                    found.append("us.freq-8")
                if consent == 0:
                    found.append("us.con-sms-info")
            if mode == "prerecorded" and line == "landline" and a["attempts_7d"] >= 3:
                found.append("us.freq-7")
            if consent == 0:
                if a["dnc_national"] and a["ebr_purchase_days"] > 540:
                    found.append("us.dnc-ebr-stale")
            elif consent == 1 and a["consent_age"] > 3650:
                found.append("us.con-stale-info")
        elif purpose == "collections":
            if not 480 <= minute < 1260:
                found.append("us.cw-fed-coll")
            if state == "MA" and a["attempts_7d"] >= 2:
                found.append("ma.freq-5")
            if voice and a["attempts_7d"] >= 7:
                found.append("us.freq-6")
        elif purpose == "political":
            if machine and a["attempts_7d"] >= 9:
                found.append("us.freq-10")
            if a["dnc_internal"] and not exempt:
                found.append("us.dnc-int-pol")
            if mode == "prerecorded" and state in machine_politics:
                found.append("us.pre-pol-wireless")
        if a["dnc_internal"] and (purpose == "telemarketing" or purpose == "informational"):
            found.append("us.dnc-int")
        if machine:
            if consent == 0:
                if line == "wireless" and purpose in ("informational", "collections", "political"):
                    found.append("us.con-auto-wireless-info")
            elif a["reassigned"]:
                found.append("us.rnd")
        if purpose != "emergency" and a["consent_revoked"]:
            found.append("us.con-revoked")
        if voice:
            attestation = a["attestation"]
            if attestation == "C" and machine:
                found.append("us.att-c")
            elif attestation == "N" and purpose != "emergency":
                found.append("us.att-none")
            if not a["caller_id_ok"] and (purpose == "telemarketing" or purpose == "collections"):
                found.append("us.cid")
            if mode == "prerecorded" and consent == 0 and state in recorded_states:
                if purpose == "telemarketing" or (purpose == "political" and state != "NC"):
                    found.append(recorded_id[state])
        return found

    return check


def _week(weekdays=(480, 1260), saturday=None, sunday: tuple[int, int] | None | str = "same") -> tuple[tuple[int, int], ...]:
    """Opening and closing minute for each day, Monday first; ``sunday`` None is closed."""
    on_saturday = saturday or weekdays
    on_sunday = on_saturday if sunday == "same" else sunday or (9999, 0)
    return (*[weekdays] * 5, on_saturday, on_sunday)
