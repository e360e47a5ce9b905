"""The languages of POP3's responses (RFC 6856 §3): English, as other servers write it, and German. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "en"
LANGUAGES = {"en": "English", "de": "Deutsch"}

# By the English text, without status indicator and response code. What is not here has few words or none.
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
}
_TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": {}, "de": _GERMAN})


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
    return f"{start}{space}{texts.get(words, words)}"
