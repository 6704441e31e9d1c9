"""
Classes of which some fields are fixed for ever, and the others change.
"""

from typing import Any

import attrs

fixed = attrs.setters.frozen
"""
What ``on_setattr`` says of a field that is fixed.
"""


def others_change(_: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    """
    Say of each other field that it may change; for ``field_transformer``.

    A field of which nothing is said goes through the class's ``__setattr__``, which is Python's,
    also when an object is made. Validators and converters of such a field look at what an object
    is made with, and no longer at what it is changed to.
    """
    return [
        f if f.on_setattr is fixed else f.evolve(on_setattr=attrs.setters.NO_OP) for f in fields
    ]
