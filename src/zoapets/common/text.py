"""Text as people search for it."""


def like(text: str) -> str:
    r"""`text` for a LIKE pattern, with its own `%`, `_` and `\` taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
