"""What people type: e-mails and names, made clean or refused. It asks no database."""

from __future__ import annotations

import re
import unicodedata

from schema.errors import BadParameter

EMAIL_LIMIT = 254
_LOCAL = r"[^\s@<>(),;:\"\[\]\\]{1,64}"
_DOMAIN = r"[^\s@.<>(),;:\"\[\]\\/]+(?:\.[^\s@.<>(),;:\"\[\]\\/]+)*"
_EMAIL = re.compile(rf"{_LOCAL}@{_DOMAIN}\Z")
# Control characters, line ends, and marks that turn the reading direction: a name with these would
# look like another one.
_HIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def email(text: str) -> str:
    """`text` as it is kept: trimmed, otherwise as typed. Raises BadParameter unless it looks like
    an e-mail; a host without a dot (`admin@localhost`) is one."""
    kept = unicodedata.normalize("NFC", text.strip())
    if len(kept) > EMAIL_LIMIT or not kept.isprintable() or not _EMAIL.match(kept):
        raise BadParameter("email", text, "an e-mail such as ana@example.org")
    return kept


def same(text: str) -> str:
    """Equal for two spellings of one e-mail; bounded, whatever was typed."""
    return unicodedata.normalize("NFC", text[: 4 * EMAIL_LIMIT].strip()).casefold()[:EMAIL_LIMIT]


def label(name: str, text: str, limit: int) -> str:
    """A name of something: one visible line of at most `limit` characters, else BadParameter."""
    kept = unicodedata.normalize("NFC", text.strip())
    if not any(sign.isprintable() for sign in kept):
        raise BadParameter(name, text, "a text that can be seen")
    if len(kept) > limit:
        raise BadParameter(name, text, f"at most {limit} characters")
    if _HIDDEN.search(kept):
        raise BadParameter(name, text, "one line without control characters")
    return kept


def label_or_none(name: str, text: str | None, limit: int) -> str | None:
    """A `label` that may be left out or emptied."""
    return label(name, text, limit) if text and text.strip() else None
