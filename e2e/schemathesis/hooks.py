"""What a schema cannot say of text. Lengths in it count code points; the services trim text, normalise it and count what a person
takes for one character, so only text where both are the same is sent from here. The services' own tests hold the rest."""

import unicodedata

import schemathesis

# Hangul jamo, regional indicators, skin tones and blanks: parts of characters, or nothing to see.
PARTS = [(0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF), (0x2800, 0x2800), (0x3164, 0x3164), (0xFFA0, 0xFFA0)]


def is_one_character(character: str) -> bool:
    part = any(first <= ord(character) <= last for first, last in PARTS)
    return not part and not unicodedata.category(character).startswith(("M", "Cf"))


def is_counted_alike(value: object) -> bool:
    if isinstance(value, dict):
        return all(is_counted_alike(item) for item in value.values())
    if isinstance(value, list):
        return all(is_counted_alike(item) for item in value)
    if not isinstance(value, str):
        return True
    kept = unicodedata.normalize("NFC", value.strip()) == value
    return kept and all(is_one_character(character) for character in value)


@schemathesis.hook
def filter_body(context, body) -> bool:
    return is_counted_alike(body)


@schemathesis.hook
def filter_query(context, query) -> bool:
    return is_counted_alike(query)
