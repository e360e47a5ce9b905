"""The languages of POP3's responses (RFC 6856 §3): English, as other servers write it, and German. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "en"
LANGUAGES = {"en": "English", "de": "Deutsch"}

# By the English text, without status indicator and response code. What is not here has no words, or "octets" alone.
_GERMAN = {
    "Logged in.": "Angemeldet.",
    "Logging out": "Auf Wiedersehen",
    "Logging out.": "Auf Wiedersehen.",
    "Logging out, messages deleted.": "Auf Wiedersehen, Nachrichten gelöscht.",
    "Marked to be deleted.": "Zum Löschen vorgemerkt.",
    "UTF8 enabled.": "UTF8 ist eingeschaltet.",
    "Language changed": "Sprache gewechselt",
    "Language listing follows:": "Die Sprachen:",
    "There is no such language.": "Diese Sprache gibt es nicht.",
    "Begin TLS negotiation now.": "Die TLS-Verhandlung beginnt jetzt.",
    "Unknown command.": "Unbekannter Befehl.",
    "No username given.": "Es fehlt der Benutzername.",
    "Authentication failed.": "Anmeldung fehlgeschlagen.",
    "Authentication cancelled": "Anmeldung abgebrochen",
    "Unsupported authentication mechanism.": "Dieses Anmeldeverfahren gibt es nicht.",
    "Plaintext authentication disallowed on non-secure (SSL/TLS) connections.": "Kein Passwort ohne TLS.",
    "Maildrop is locked by another POP3 session.": "Das Postfach ist von einer anderen POP3-Sitzung gesperrt.",
    "Too many failed logins, try again later.": "Zu viele Fehlversuche, bitte später noch einmal.",
    "Log in again later.": "Die nächste Anmeldung ist erst später möglich.",
    "Internal error occurred.": "Interner Fehler.",
    "Message is deleted.": "Die Nachricht ist gelöscht.",
    "Message is expunged.": "Die Nachricht gibt es nicht mehr.",
    "Message needs UTF8 mode.": "Die Nachricht braucht den Modus UTF8.",
    "Some deleted messages were not removed.": "Einige gelöschte Nachrichten wurden nicht entfernt.",
    "Too many bad commands.": "Zu viele falsche Befehle.",
    "Line too long.": "Zeile zu lang.",
    "TLS is already active.": "TLS ist schon eingeschaltet.",
    "TLS is not available.": "TLS ist hier nicht möglich.",
    "STLS is not allowed after UTF8.": "STLS ist nach UTF8 nicht erlaubt.",
    "APOP needs passwords that are kept in plain.": "APOP braucht Passwörter, die im Klartext gespeichert sind.",
    "APOP takes a name and a digest of 32 hexadecimal digits.": "APOP braucht einen Namen und 32 Hexadezimalziffern.",
    "The argument is not UTF-8.": "Das Argument ist kein UTF-8.",
    "The argument has characters that are not allowed.": "Das Argument hat Zeichen, die nicht erlaubt sind.",
}
_TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": {}, "de": _GERMAN})
# Texts with a word of the command in them, or a number
_PATTERNS = tuple(
    (re.compile(english), german)
    for english, german in (
        (r"(\w+) takes no arguments\.", r"\1 braucht kein Argument."),
        (r"(\w+) takes an argument\.", r"\1 braucht ein Argument."),
        (
            r"(\w+) takes a message number and a number of lines\.",
            r"\1 braucht die Nummer einer Nachricht und eine Zeilenzahl.",
        ),
        (r"(\w+) is not allowed in (\w+) state\.", r"\1 ist im Zustand \2 nicht erlaubt."),
        (r"Invalid message number: (.*)", r"Keine Nummer einer Nachricht: \1"),
        (r"Invalid number of lines: (.*)", r"Keine Zeilenzahl: \1"),
        (r"There's no message (\d+)\.", r"Es gibt keine Nachricht \1."),
        (r"(\d+) messages:", r"\1 Nachrichten:"),
    )
)


def matching(language_range: str) -> str | None:
    """Return the language that a basic language range asks for, None if there is none.

    RFC 4647 §3.4: the range is shortened from its end until a language fits. "*" is the server's choice.
    """
    subtags = language_range.lower().split("-")
    if language_range == "*":
        return DEFAULT
    while subtags:
        if (tag := "-".join(subtags)) in LANGUAGES:
            return tag
        subtags.pop()
    return None


def in_language(language: str, text: str) -> str:
    """Return a line of response in a language; status indicator, response code and what has no translation stay."""
    texts = _TEXTS[language]
    if not texts:
        return text
    start, space, words = text.partition(" ")
    if words.startswith("["):
        code, _, words = words.partition("] ")
        start = f"{start} {code}]"
    return f"{start}{space}{texts.get(words) or _by_pattern(words)}"


def _by_pattern(words: str) -> str:
    for english, german in _PATTERNS:
        if match := english.fullmatch(words):
            return match.expand(german)
    return words
