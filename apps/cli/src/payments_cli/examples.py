"""
Examples at the end of a command's help.
"""


def examples(*lines: str, more: str = "") -> str:
    """
    Return the end of a help text: lines to be copied, and more that is kept as it is.
    """
    paragraphs = ["Examples:\n" + "\n".join(f"  {line}" for line in lines)]
    paragraphs += [text.strip("\n") for text in more.split("\n\n") if text.strip()]
    # The mark keeps Click from wrapping the lines of a paragraph together.
    return "\n\n".join(f"\b\n{paragraph}" for paragraph in paragraphs)
