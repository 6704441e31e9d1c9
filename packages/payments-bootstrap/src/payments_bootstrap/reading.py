"""
The settings' class as it is read: who is used has a group of settings, nobody else needs one.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, get_args

import attrs
from typed_settings.cls_utils import deep_options
from typed_settings.types import OptionList

from payments_bootstrap.rules import PROVIDERS
from payments_bootstrap.settings import PaymentProviderSettings, Settings

_DEFAULT: Final = attrs.fields(Settings).default_provider


@cache
def every_option() -> OptionList:
    """
    Return each setting that there is, those of all providers included.
    """
    return deep_options(settings_with(PROVIDERS))


def used(given: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the providers that are used: the default one, and those of which anything is set.

    Args:
        given: What is set, by dotted path.
    """
    default = given.get(_DEFAULT.name, _DEFAULT.default)
    groups = {path.rpartition(".")[0] for path in given}
    return tuple(
        name for name in PROVIDERS if name == default or f"payment_providers.{name}" in groups
    )


@cache
def settings_with(providers: tuple[str, ...]) -> type[Settings]:
    """
    Return the settings in which these providers have settings of theirs, and no others have.
    """
    kinds = {field.name: get_args(field.type)[0] for field in attrs.fields(PaymentProviderSettings)}
    groups = {name: attrs.field(default=None, type=kinds[name]) for name in providers}
    payment_providers = attrs.field(type=_refined(PaymentProviderSettings, groups))
    return _refined(Settings, {"payment_providers": payment_providers})


def _refined(cls: type[Any], fields: Mapping[str, Any]) -> type[Any]:
    # Mistakes are told in the order of the fields, so it stays.
    order = [field.name for field in attrs.fields(cls)]
    return attrs.make_class(
        cls.__name__,
        dict(fields),
        bases=(cls,),
        class_body={"__doc__": cls.__doc__},
        slots=True,
        frozen=True,
        kw_only=True,
        field_transformer=lambda _, all_: sorted(all_, key=lambda field: order.index(field.name)),
    )
