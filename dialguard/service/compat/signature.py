"""Twilio's signature of a webhook: HMAC-SHA1 with the account's auth token over the address and the fields of the form.

Documented at https://www.twilio.com/docs/usage/webhooks/webhooks-security; the tests hold this to what Twilio's own library reckons.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit, urlunsplit

Fields = Sequence[tuple[str, str]]


def signature(token: str, url: str, fields: Fields) -> str:
    """What Twilio sends in ``X-Twilio-Signature``: of a field that stands several times each different value counts, in order."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_signed(tokens: Iterable[str], url: str, fields: Fields, given: str) -> bool:
    """Whether one of the tokens signed; Twilio names the port in the address or leaves it out."""
    found = False
    for token in tokens:
        for form in forms(url):
            found |= hmac.compare_digest(signature(token, form, fields).encode(), given.encode("utf-8", "replace"))
    return found


def is_body(body: bytes, digest: str) -> bool:
    """Whether a digest of a JSON body (the query's ``bodySHA256``, which is signed with the address) is that of the body."""
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), digest.lower().encode("utf-8", "replace"))


def forms(url: str) -> tuple[str, ...]:
    """An address as it is, with the port of its scheme, and without any."""
    parts = urlsplit(url)
    bare = re.sub(r":\d+$", "", parts.netloc)
    named = parts.netloc if bare != parts.netloc else f"{bare}:{443 if parts.scheme == 'https' else 80}"
    return tuple(dict.fromkeys((url, urlunsplit(parts._replace(netloc=named)), urlunsplit(parts._replace(netloc=bare)))))
