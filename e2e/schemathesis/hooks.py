"""Filters text whose length a schema cannot express. A schema counts code points; the services trim and normalise text and count
grapheme clusters. Only text for which both agree is sent; the services' own tests cover the rest."""

import unicodedata

import schemathesis

# Hangul jamo, regional indicators, skin tones and blanks: parts of characters, or invisible ones.
PARTS = [(0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0)]


def is_one_character(character: str) -> bool:
    part = any(first <= ord(character) <= last for first, last in PARTS)
    return not part and not unicodedata.category(character).startswith(("M", "Cf"))


def has_same_length(value: object) -> bool:
    if isinstance(value, dict):
        return all(has_same_length(item) for item in value.values())
    if isinstance(value, list):
        return all(has_same_length(item) for item in value)
    if not isinstance(value, str):
        return True
    kept = unicodedata.normalize("NFC", value.strip()) == value
    return kept and all(is_one_character(character) for character in value)


@schemathesis.hook
def filter_body(context, body) -> bool:
    return has_same_length(body)


@schemathesis.hook
def filter_query(context, query) -> bool:
    return has_same_length(query)
