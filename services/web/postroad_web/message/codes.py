"""One-time codes in a message, ranked: what a test or a person would type into the form that waits for it.

A code is a group of digits, or of letters and digits, near a word that announces one. Numbers that mean something else
are left out: prices, dates, years, telephone numbers, and numbers of orders, invoices and the like.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from postroad_web.message.parsed import Code

MAX_TEXT = 50_000  # characters that are looked through
MAX_CANDIDATES = 2_000
MAX_CODES = 10

_STRONG = (
    r"verification(?: codes?)?|one[- ]?time(?: (?:codes?|passwords?|pass ?codes?|pins?))?|otp|pass ?code|2fa|"
    r"two[- ]factor(?: codes?)?|authenticat\w+(?: codes?)?|"
    r"(?:security|log-?in|sign[- ]?in|sign[- ]?up|confirmation|access|activation|registration) codes?|"
    r"bestätigungs-?code|einmal-?(?:code|passwort|kennwort)|sicherheits-?code|anmelde-?code|zugangs-?code|tan|"
    r"code de (?:vérification|sécurité|confirmation)|código de (?:verificación|verificação|seguridad|segurança)|"
    r"codice di (?:verifica|sicurezza)|verificatiecode|doğrulama kodu|код подтверждения"
)
_WEAK = r"codes?|pin(?:-?code)?|token|password|passwort|verify|código|codice|kod|код"
_EAST = r"验证码|驗證碼|認証コード|確認コード|认证码|인증 ?번호|인증 ?코드"  # these languages part no words
_KEYWORD = re.compile(rf"(?P<strong>\b(?:{_STRONG})\b|{_EAST})|\b(?:{_WEAK})\b", re.IGNORECASE)

_ADDRESS_OR_URL = re.compile(r"https?://[^\s<>\"]+|www\.[^\s<>\"]+|(?<![^\s<>@])[^\s<>@]++@[^\s<>]++", re.IGNORECASE)
# Digits in one to four groups; or letters and digits, of which one of each must be there. No digit, sign of a price,
# decimal point, or sign of a date or time may touch it.
_CANDIDATE = re.compile(
    r"(?<![A-Za-z0-9_+#$€£¥₹@.])(?<!\d[/:.,-])(?:[A-Z]{1,3}-(?=\d))?"
    r"(?P<value>\d{3}[ -]\d{3}|\d{4}[ -]\d{4}|\d{2}(?:[ -]\d{2}){2,3}|\d{3}(?:[ -]\d{3}){2}|\d(?: \d){3,7}|\d{4,10}"
    r"|(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{4,12}|[A-Z0-9]{3,6}-[A-Z0-9]{3,6}|[A-Z]{4,10})"
    r"(?![A-Za-z0-9_%$€£¥₹@])(?![/:.,-]\d)"
)
_CURRENCY = "usd|eur|gbp|chf|jpy|inr|cad|aud|sek|nok|dkk|pln"
_BEFORE_PRICE = re.compile(rf"(?:[$€£¥₹]|\b(?:{_CURRENCY}|rs\.?))\s*\Z", re.IGNORECASE)
_BEHIND_PRICE = re.compile(
    rf"\s?(?:[$€£¥₹%]|(?:{_CURRENCY}|euros?|dollars?|points?|"
    r"[km]b|gb|kg|km|px|ms|minutes?|min|hours?|days?|seconds?|users?|items?|messages?|followers?)\b)",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?:(?:\b(?:tel|telephone|phone|telefon|téléphone|fax|mobile|mobil|call|dial|hotline|whatsapp)\b[^\n\d]{0,20})|"
    r"[+(][\d() .-]{0,20}|\d[ .-])\Z",
    re.IGNORECASE,
)
_MORE_DIGITS = re.compile(r"[ .-]\(?\d")
_OTHER_NUMBER = re.compile(
    r"(?:\b(?:orders?|invoices?|tickets?|ref|reference|cases?|accounts?|acct|customer|client|tracking|booking|parcel|"
    r"reservation|shipment|receipt|transaction|payment|zip|postal|post|po box|suite|room|flat|floor|ext|extension|"
    r"article|sku|items?|policy|iban|card|ending in|version|build|promo|promotion|discount|coupon|voucher|gift|"
    r"referral|area|country|error|status|http|port|bar|qr|tax|vat|member|membership|serial|issue|pr|rfc|"
    r"bestellung|rechnung|kunden|vorgang|plz|gutschein|rabatt|commande|facture|pedido|factura|ordine|fattura)"
    r"(?:\s*(?:number|numbers|no\.?|nr\.?|num\.?|id|code|nummer|numéro|número|n°|№))?|"
    r"\b\w+(?:nummer|gutscheincode|rabattcode)|n°|№|\b(?:no|nr)\.)"
    r"\s*(?::|#|\bis\b:?|=)?\s*#?\Z",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(?:\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,?(?:\s+\d{1,2}(?:st|nd|rd|th)?,?)?|©|\(c\))"
    r"\s*\Z",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d\Z")
_IS_YOUR = re.compile(r"\s*(?:is|ist|es|est|è|:|-|–)\s")  # noqa: RUF001 - the dash that people write
_NAMES_IT = re.compile(r"[^\w\n]*(?:\b(?:is|ist|lautet|es|est|è|below|here)\b)?[^\w\n]*\Z", re.IGNORECASE)
_SAYS_SO = re.compile(r"[:=]|\b(?:is|ist|lautet|es|est|è)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?]\s|\n")


class _Place(NamedTuple):
    """A candidate's surroundings."""

    before: str  # of its line
    behind: str
    above: str  # the last line above that is not empty
    alone: bool  # on its line


def codes_of(subject: str, text: str) -> tuple[Code, ...]:
    """Return what may be one-time codes, the likeliest first."""
    subject = subject[:1_000]
    whole = _ADDRESS_OR_URL.sub(lambda match: " " * len(match[0]), f"{subject}\n\n{text[:MAX_TEXT]}")
    best: dict[str, Code] = {}
    announced = _KEYWORD.search(subject)
    for number, match in enumerate(_CANDIDATE.finditer(whole)):
        if number == MAX_CANDIDATES:
            break
        value = match["value"]
        place = _place(whole, match.start(), match.end())
        if _means_something_else(value, place):
            continue
        code = _rated(value, place, None if announced is None else announced[0])
        if code is not None and (code.value not in best or code.score > best[code.value].score):
            best[code.value] = code
    return tuple(sorted(best.values(), key=lambda code: -code.score)[:MAX_CODES])


def _place(whole: str, start: int, end: int) -> _Place:
    line = whole.rfind("\n", 0, start) + 1
    before, behind = whole[max(line, start - 160) : start], whole[end : end + 160].partition("\n")[0]
    above = whole[max(0, line - 300) : line].rstrip().rpartition("\n")[2]
    return _Place(before, behind, above, not before.strip(" \t\r*>|") and not behind.strip(" \t\r*|."))


def _means_something_else(value: str, place: _Place) -> bool:
    before, behind = place.before, place.behind
    return bool(
        not value.isascii()
        or _BEFORE_PRICE.search(before)
        or _BEHIND_PRICE.match(behind)
        or _OTHER_NUMBER.search(before)
        or (value[0].isdigit() and (_PHONE.search(before) or _MORE_DIGITS.match(behind)))
        or (_YEAR.match(value) and _MONTH.search(before))
    )


def _rated(value: str, place: _Place, subject: str | None) -> Code | None:
    """Return the code with its score, or None if nothing announces it."""
    compact = value.replace(" ", "").replace("-", "")
    digits = compact.isdigit()
    if not digits:
        compact = value
    score, reason, direct = _announced(place, subject)
    if not score:
        if not (place.alone and digits and len(compact) == 6):
            return None
        score, reason = 25, "stands alone on its line"
    if not digits and not direct:
        # A word or an identifier is a code only where the text says so.
        if value.isalpha() or not (value.isupper() and place.alone):
            return None
        score -= 15
    if value.isalpha() and not (place.alone or _SAYS_SO.search(place.before[-12:])):
        return None
    if digits:
        score += {6: 9, 4: 4, 5: 4, 7: 4, 8: 5}.get(len(compact), -10)
    if _YEAR.match(value) and not direct:
        score -= 60
    return Code(compact, reason, score) if score > 0 else None


def _announced(place: _Place, subject: str | None) -> tuple[int, str, bool]:
    """Return how strongly a keyword announces the candidate, in what way, and whether it does so directly."""
    before = _SENTENCE_END.split(place.before)[-1]
    keywords = list(_KEYWORD.finditer(before))
    if keywords:
        nearest = keywords[-1]
        direct = _NAMES_IT.match(before, nearest.end()) is not None
        near = len(before) - nearest.end() <= 30
        return (90 if direct else 78 if near else 65) - _weak(nearest), f"follows “{nearest[0]}”", direct
    if keyword := _KEYWORD.search(_SENTENCE_END.split(place.behind)[0]):
        direct = _IS_YOUR.match(place.behind) is not None
        return (86 if direct else 60) - _weak(keyword), f"precedes “{keyword[0]}”", direct
    if place.alone and (keyword := _KEYWORD.search(place.above)):
        return 86 - _weak(keyword), f"is on the line below “{keyword[0]}”", True
    if subject is not None:
        return (62 if place.alone else 30), f"the subject says “{subject}”", False
    return 0, "", False


def _weak(keyword: re.Match[str]) -> int:
    return 0 if keyword["strong"] else 4
