"""One-time codes: what is found, in which order, and what is no code."""

from __future__ import annotations

import time

import pytest

from postroad_web.message.codes import MAX_CODES, codes_of


def found(text: str, subject: str = "") -> list[str]:
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
    ],
)
def test_the_likeliest_code(text: str, value: str) -> None:
    assert found(text)[:1] == [value]


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
    assert found(text) == []


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
    assert found("My token, as I told you some time ago in a long sentence, was\nQ\nABC123") == []


def test_each_code_is_there_once_with_its_best_score() -> None:
    (code,) = codes_of("Your code: 482913", "482913\n\nYour verification code is 482913, do not share 482913")
    assert code.score == 99


def test_there_are_bounds() -> None:
    many = codes_of("", "\n".join(f"code: {number}" for number in range(100000, 103000)))
    assert len(many) == MAX_CODES
    start = time.process_time()
    for piece in ("1 2 3 ", "code 1", "A1-", "+1 ", "(1", "code\n", "1.1.1.", "no. ", "a@", "x" * 50 + " "):
        codes_of(piece * 20, piece * 20_000)
    assert time.process_time() - start < 10
