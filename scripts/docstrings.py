"""
What the docstrings of the code say, for the pages that repeat it.
"""

import inspect
import re

import attrs


def meanings(cls: type) -> dict[str, str]:
    """
    Return what the docstring of a class says of each of its attributes.
    """
    _, _, listed = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")
    names = "|".join(field.name for field in attrs.fields(cls))
    _, *parts = re.split(rf"(?:^|(?<=[.;]))\s*\b({names}):\s", listed, flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    texts = {name: markdown(words).rstrip(";.") for name, words in pairs}
    return {name: f"{text[:1].upper()}{text[1:]}." for name, text in texts.items()}


def promise(cls: type) -> str:
    """
    Return what a class is, without its attributes.
    """
    return markdown(inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0])


def markdown(words: str) -> str:
    """
    Return the text of a docstring on one line, as Markdown.
    """
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(words.split()))
