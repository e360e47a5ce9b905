"""One-time codes: what is found, in which order, and what is no code."""

from __future__ import annotations

import time

import pytest

from postroad_web.message.codes import codes_of


def codes_in(text: str, subject: str = "") -> list[str]:
    return [code.value for code in codes_of(subject, text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your verification code is 482913.", "482913"),
        ("Your verification code is: 482 913", "482913"),
        ("Your code:\r\n\r\n    482-913\r\n\r\nIt is valid for 10 minutes.", "482913"),
        ("482913 is your Shop verification code.", "482913"),
        ("G-482913 is your Google verification code", "482913"),
        ("OTP: 4829", "4829"),
        ("Use PIN 4829 to log in", "4829"),
        ("Your one-time password is 48291307", "48291307"),
        ("Enter this code: 4 8 2 9 1 3", "482913"),
        ("code 12 34 56", "123456"),
        ("Use code\n\nA1B2C3\n\nto sign in", "A1B2C3"),
        ("Your login code is x7Kp2Q", "x7Kp2Q"),
        ("Your security code is XK9-42B.", "XK9-42B"),
        ("The code is WXYZQ", "WXYZQ"),
        ("Ihr Bestätigungscode lautet 482913", "482913"),
        ("Votre code de vérification est 482913", "482913"),
        ("Tu código de verificación es 482913", "482913"),
        ("您的验证码是 482913", "482913"),
        ("Your verification code for order 12345 is 998877", "998877"),
        ("Order 12345678\nYour access code: 2024", "2024"),
        ("*482913*\nis the code", "482913"),
        ("| 482913 |\n", "482913"),
        ("Your code: 12A-34B", "12A-34B"),  # only groups of digits are put together
        ("Your code: 123-45A", "123-45A"),
        ("Your code: 1234 5678", "12345678"),
        ("Your code: 123-456-789", "123456789"),
    ],
)
def test_the_likeliest_code(text: str, value: str) -> None:
    assert codes_in(text)[:1] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for your order of 2026.",
        "Your order 482913 has been shipped.",
        "Order number: 482913. Use our new code of conduct.",
        "Invoice #482913",
        "Rechnungsnummer 482913",
        "Bestellung Nr. 482913",
        "Use promo code 482913 for 10 % off",
        "Postal code 10115 Berlin",
        "Total: $482913",
        "Total: 482913 EUR",
        "The password is valid for 1440 minutes",
        "The price of a code is 1234.50",
        "Call +1 555 482 9130 for your code",
        "Tel. 0304829130",
        "code from 2026-11-26 12:30",
        "code from 26/11/2026",
        "Verify at https://shop.test/code/482913",
        "Write to code482913@shop.test",
        "Nov 26, 2026\nverify",
        "code © 2026",
        "123456 and more on this line",
        "verification of the account ABC123DEF in the text of something",
        "your code is Hello",
        "A code in the text, and a TOKEN LIKE WORDS",
        "١٢٣٤٥٦ code",
    ],
)
def test_what_is_no_code(text: str) -> None:
    assert codes_in(text) == []


def test_the_subject_counts() -> None:
    assert codes_of("482913 is your code", "")[0].reason == "precedes “code”"
    assert [tuple(code) for code in codes_of("Your one-time code", "\n482913\n")] == [
        ("482913", "is on the line below “one-time code”", 95)
    ]
    assert codes_of("Your code", "Hi\n\nof all:\n482913")[0].reason == "the subject says “code”"
    assert codes_of("Your code", "Hi\n\nof all:\nAB12CD")[0].score == 47
    assert codes_of("Your code", "We got 482913 letters")[0].score == 39
    assert [tuple(code) for code in codes_of("Hello", "Hi\n\n482913\n\nBye")] == [
        ("482913", "stands alone on its line", 34)
    ]


def test_they_are_ranked_with_their_reasons() -> None:
    text = "Made in 1999. Your PIN, which you should never tell to anybody, is 4829.\nVerification code: 771204"
    assert [tuple(code) for code in codes_of("", text)] == [
        ("771204", "follows “Verification code”", 99),
        ("4829", "follows “PIN”", 65),
    ]
    years = codes_of("", "The verification, done in 1999, needs 482913")
    assert [code.value for code in years] == ["482913", "1999"]
    assert years[1].score < 25
    below = codes_of("", "Here is your verification code\nsome words, then\n\n48291 and so on")
    assert below == ()
    assert codes_of("", "Use the verification code\n\nAB12CD\n")[0].reason == "is on the line below “verification code”"
    assert codes_of("", "verification AB12CD in the next minute or so of the day")[0].value == "AB12CD"
    assert codes_in("My token, as I told you some time ago in a long sentence, was\nQ\nABC123") == []


def test_each_code_is_there_once_with_its_best_score() -> None:
    (code,) = codes_of("Your code: 482913", "482913\n\nYour verification code is 482913, do not share 482913")
    assert code.score == 99


def test_there_are_bounds() -> None:
    many = codes_of("", "\n".join(f"code: {number}" for number in range(100000, 103000)))
    assert len(many) == 10
    start = time.process_time()
    for piece in ("1 2 3 ", "code 1", "A1-", "+1 ", "(1", "code\n", "1.1.1.", "no. ", "a@", "x" * 50 + " "):
        codes_of(piece * 20, piece * 20_000)
    assert time.process_time() - start < 10


STRONG = """\
verification|verification code|Verification Codes|one-time|one time|onetime|one-time code|one-time codes|
one-time password|one time passwords|one-time passcode|one-time pass code|one-time pin|one-time pins|OTP|passcode|
pass code|2FA|two-factor|two factor code|two-factor codes|authentication|authentication code|authenticator codes|
security code|security codes|login code|log-in code|sign-in code|sign in code|signin code|sign-up code|sign up code|
confirmation code|access code|activation code|registration code|Bestätigungscode|Bestätigungs-Code|Einmalcode|
Einmal-Code|Einmalpasswort|Einmalkennwort|Sicherheitscode|Anmeldecode|Zugangscode|TAN|code de vérification|
code de sécurité|code de confirmation|código de verificación|código de verificação|código de seguridad|
código de segurança|codice di verifica|codice di sicurezza|verificatiecode|doğrulama kodu|код подтверждения|验证码|
驗證碼|認証コード|確認コード|认证码|인증번호|인증 번호|인증코드|인증 코드"""
WEAK = "code|codes|PIN|pincode|pin-code|token|password|Passwort|verify|código|codice|kod|код"


def rated(text: str, subject: str = "") -> list[tuple[str, str, int]]:
    return [(code.value, code.reason, code.score) for code in codes_of(subject, text)]


@pytest.mark.parametrize("keyword", STRONG.replace("\n", "").split("|"))
def test_words_that_announce_a_code(keyword: str) -> None:
    assert rated(f"{keyword}: 482913") == [("482913", f"follows “{keyword}”", 99)]
    assert rated(f"482913 is {keyword}") == [("482913", f"precedes “{keyword}”", 95)]


@pytest.mark.parametrize("keyword", WEAK.split("|"))
def test_words_that_may_mean_something_else_announce_it_less(keyword: str) -> None:
    assert rated(f"{keyword}: 482913") == [("482913", f"follows “{keyword}”", 95)]
    assert rated(f"482913 is {keyword}") == [("482913", f"precedes “{keyword}”", 91)]


@pytest.mark.parametrize("keyword", ["codex", "encode", "decoded", "pint", "spin", "tokens", "xOTP", "adverification"])
def test_a_part_of_a_word_announces_nothing(keyword: str) -> None:
    assert rated(f"{keyword}: 4829") == []


FAR = " that you should keep to yourself,"  # 34 characters


@pytest.mark.parametrize(
    ("subject", "text", "reason", "score"),
    [
        ("", "OTP 482913", "follows “OTP”", 99),
        ("", "OTP, then 482913", "follows “OTP”", 87),
        ("", f"OTP{FAR[:29]} 482913", "follows “OTP”", 87),  # 30 characters lie between
        ("", f"OTP{FAR[:30]} 482913", "follows “OTP”", 74),
        ("", f"OTP code{FAR} 482913", "follows “code”", 70),  # the nearest
        ("", "OTP. Type 482913 here", None, 0),  # another sentence
        ("", "OTP! Type 482913 here", None, 0),
        ("", "OTP? Type 482913 here", None, 0),
        ("", "482913 is the OTP", "precedes “OTP”", 95),
        ("", "482913 as OTP", "precedes “OTP”", 69),
        ("", "482913. The OTP", None, 0),
        ("", "OTP\n482913", "is on the line below “OTP”", 95),
        ("", "OTP\n\n \n482913", "is on the line below “OTP”", 95),
        ("", "code\n482913", "is on the line below “code”", 91),
        ("OTP", "482913", "is on the line below “OTP”", 95),
        ("OTP", "Hi\n482913", "the subject says “OTP”", 71),
        ("OTP", "Hi 482913", "the subject says “OTP”", 39),
        ("", "482913", "stands alone on its line", 34),
        ("", "48291", None, 0),  # only six digits speak for themselves
        ("", "4829137", None, 0),
        ("", "ABC123", None, 0),
        ("", "OTP AB12CD", "follows “OTP”", 90),
        ("OTP", "Hi\nAB12CD", "the subject says “OTP”", 47),
        ("OTP", "Hi\nAb12CD", None, 0),  # no identifier, unless the text says so
        ("OTP", "Hi AB12CD", None, 0),
        ("OTP", "Hi\nABCDEF", None, 0),
        ("", "OTP\nABCDEF", "is on the line below “OTP”", 86),
        ("", "OTP: ABCDEF", "follows “OTP”", 90),
        ("", "OTP = ABCDEF", "follows “OTP”", 90),
        ("", "OTP ABCDEF", None, 0),
        ("", "OTP:" + " " * 11 + "ABCDEF, please", "follows “OTP”", 90),
        ("", "OTP:" + " " * 12 + "ABCDEF, please", None, 0),
    ],
)
def test_how_it_is_announced(subject: str, text: str, reason: str | None, score: int) -> None:
    assert [(why, points) for _, why, points in rated(text, subject)] == ([] if reason is None else [(reason, score)])


@pytest.mark.parametrize("says", ["is", "ist", "lautet", "es", "est", "è", "below", "here"])
def test_words_between_a_keyword_and_its_code(says: str) -> None:
    assert rated(f"OTP {says}: 482913") == [("482913", "follows “OTP”", 99)]
    assert rated(f"OTP x{says}: 482913") == [("482913", "follows “OTP”", 87)]


@pytest.mark.parametrize("says", ["is", "ist", "es", "est", "è", ":", "-", "\N{EN DASH}"])
def test_words_between_a_code_and_its_keyword(says: str) -> None:
    assert rated(f"482913 {says} the OTP") == [("482913", "precedes “OTP”", 95)]
    assert rated(f"482913 x {says} the OTP") == [("482913", "precedes “OTP”", 69)]


@pytest.mark.parametrize(
    ("digits", "score"),
    [
        *(("123", None), ("3829", 94), ("48291", 94), ("482913", 99), ("4829137", 94), ("48291374", 95)),
        *(("482913745", 80), ("4829137450", 80), ("48291374501", None)),
    ],
)
def test_six_digits_are_likeliest(digits: str, score: int | None) -> None:
    assert rated(f"OTP: {digits}") == ([] if score is None else [(digits, "follows “OTP”", score)])


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("OTP: 2024", 94),  # said so, it may look like a year
        ("OTP: 1999", 94),
        ("OTP then 2024", 22),
        ("OTP then 1899", 82),
        ("OTP then 2100", 82),
        (f"code{FAR} 2024", 5),
        ("2024 as OTP", 4),
        ("2024 as code", None),
    ],
)
def test_what_looks_like_a_year_is_hardly_a_code(text: str, score: int | None) -> None:
    assert [points for _, _, points in rated(text)] == ([] if score is None else [score])


@pytest.mark.parametrize("around", ["* {} *", "> {}", "| {} |", "\t{}\t", " {} ", "{}.", "**{}**", "> > {}\r"])
def test_marks_around_a_code_leave_it_alone_on_its_line(around: str) -> None:
    assert rated(around.format("482913")) == [("482913", "stands alone on its line", 34)]


@pytest.mark.parametrize("around", ["X {}", "{} X", "- {}", "{} >", ". {}", "{}!"])
def test_other_characters_do_not(around: str) -> None:
    assert rated(around.format("482913")) == []


@pytest.mark.parametrize(
    "before",
    """\
$|€|£|¥|₹|USD|EUR|gbp|CHF|JPY|INR|CAD|AUD|SEK|NOK|DKK|PLN|Rs|Rs.|tel|telephone|phone|Telefon|téléphone|fax|mobile|
mobil|call|dial|hotline|whatsapp|+|(|order|orders|invoice|tickets|ref|reference|case|account|acct|customer|client|
tracking|booking|parcel|reservation|shipment|receipt|transaction|payment|zip|postal|post|po box|suite|room|flat|floor|
ext|extension|article|sku|item|items|policy|iban|card|ending in|version|build|promo|promotion|discount|coupon|voucher|
gift|referral|area|country|error|status|http|port|bar|qr|tax|vat|member|membership|serial|issue|pr|rfc|Bestellung|
Rechnung|Kunden|Vorgang|plz|Gutschein|Rabatt|commande|facture|pedido|factura|ordine|fattura|order number|order numbers|
order no|order no.|order nr.|order num.|order id|order code|Kunden Nummer|numéro|número|order n°|order №|Kundennummer|
Gutscheincode|Xrabattcode|n°|№|no.|nr.|order:|order #|order = |order is|order is:""".replace("\n", "").split("|"),
)
def test_numbers_that_mean_something_else(before: str) -> None:
    if before in {"numéro", "número"}:
        before = f"order {before}"
    if before == "Gutscheincode":
        before = "Xgutscheincode"
    assert rated(f"OTP, {before} 482913") == []


@pytest.mark.parametrize(
    "behind",
    """\
$|€|£|¥|₹|%|usd|EUR|gbp|chf|jpy|inr|cad|aud|sek|nok|dkk|pln|euro|euros|dollar|dollars|point|points|kb|MB|gb|kg|km|px|ms|
minute|minutes|min|hour|hours|day|days|second|seconds|user|users|item|items|message|messages|follower|followers|
.5 x| 555|-5|.(5""".replace("\n", "").split("|"),
)
def test_amounts(behind: str) -> None:
    assert rated(f"OTP, the {1440} {behind}" if behind[0].isalnum() else f"OTP, the 1440{behind}") == []


def test_only_digits_are_taken_for_a_telephone_number() -> None:
    assert [code.value for code in codes_of("", "OTP: (A1B2")] == ["A1B2"]
    assert [code.value for code in codes_of("", "OTP: (AB12")] == ["AB12"]
    assert codes_of("", "OTP: (1AB2") == ()
    assert [code.value for code in codes_of("", "OTP: AB12 5")] == ["AB12"]
    assert codes_of("", "OTP: 1AB2 5") == ()


def test_a_month_before_it_makes_a_year_of_it() -> None:
    for month in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"):
        for date in (month, month.title(), f"{month}.", f"{month}xyz", f"{month} 3,", f"{month} 3rd", f"{month} 31st,"):
            assert rated(f"OTP: {date} 2024") == []
    assert rated("OTP: © 2024") == []
    assert rated("OTP: (c) 2024") == []
    assert rated("OTP: nov 1824") == [("1824", "follows “OTP”", 82)]


@pytest.mark.parametrize("touched", ["€{}", "_{}", "#{}", "@{}", ".{}", "{}%", "{}_", "1/{}", "{}/1", "{}:30"])
def test_signs_that_must_not_touch_it(touched: str) -> None:
    assert rated(f"OTP {touched.format('4829')}") == []


def test_how_far_a_keyword_may_be_away() -> None:
    assert codes_in("OTP".ljust(159, "-") + " 482913") == ["482913"]  # its first letter is 160 characters before
    assert codes_in("OTP".ljust(160, "-") + " 482913") == []
    assert codes_in("482913 " + "OTP".rjust(159, "-")) == ["482913"]
    assert codes_in("482913 " + "OTP".rjust(160, "-")) == []
    assert codes_in("OTP".ljust(299, "-") + "\n4829\n") == ["4829"]  # with the line break
    assert codes_in("OTP".ljust(300, "-") + "\n4829\n") == []


def test_how_much_is_looked_through() -> None:
    assert codes_in("code: 482913".rjust(50_000)) == ["482913"]
    assert codes_in("code: 482913".rjust(50_001)) == ["48291"]
    assert codes_in("", "code: 482913".rjust(1000)) == ["482913"]
    assert codes_in("", "code: 482913".rjust(1001)) == ["48291"]
    assert codes_in("ABCD " * 1999 + "\ncode: 482913") == ["482913"]
    assert codes_in("ABCD " * 2000 + "\ncode: 482913") == []
    assert codes_in("ABCD " * 2001 + "\ncode: 482913") == []


@pytest.mark.parametrize("url", ["https://x.test/1/", "HTTP://x.test?", "www.x.test/", "me@", "a.b+"])
def test_nothing_in_a_url_or_an_address_is_a_code(url: str) -> None:
    assert codes_in(f"code {url}482913@x.test code") == []
    assert codes_in(f"code <{url}1@x.test> 482913") == ["482913"]
