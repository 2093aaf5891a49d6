"""Words that depend on numbers."""


def count_of(number: int, one: str, many: str | None = None) -> str:
    """``'1 picture'``, ``'2 pictures'``; ``many`` where the plural has no plain s."""
    return f'{number} {one if number == 1 else many or f"{one}s"}'
