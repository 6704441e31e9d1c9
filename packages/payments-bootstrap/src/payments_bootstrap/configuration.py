"""
Reading the settings from a TOML file and the environment, all mistakes at once.
"""

import difflib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, Final

import attrs
import typed_settings as ts
from typed_settings.converters import TSConverter
from typed_settings.dict_utils import get_path, merge_settings, set_path
from typed_settings.types import LoadedSettings, LoaderMeta, OptionInfo, OptionList, SettingsDict

from payments_bootstrap.ranges import out_of_range
from payments_bootstrap.reading import every_option, settings_with, used
from payments_bootstrap.rules import broken_rules, is_used
from payments_bootstrap.settings import Settings
from payments_stripe import StripeSettings

_log = logging.getLogger(__name__)

FILE_VARIABLE: Final = "SETTINGS_FILE"
"""
Names the TOML file; what the environment says wins over it.
"""

EXIT_CONFIGURATION: Final = 78
"""
The exit code of a process that its settings do not allow to start (EX_CONFIG of sysexits.h).
"""

_ALIASES: Final = {
    "payment_providers.stripe.webhook_secrets": "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET"
}

_SAME_WORD: Final = 0.9
"""
How much of two names must agree for one to be the other misspelt; they share long beginnings.
"""

_SAME_GROUP: Final = 0.8
"""
Likewise of two groups, which are single words: WORKERS is WORKER, SERILOG is not LOG.
"""

_NEAREST: Final = 0.0
"""
Likewise for the nearest name of all, however far it is.
"""

_WORDS: Final = {
    int: "a whole number",
    bool: "true or false",
    timedelta: "a duration such as 0.2s, 30s or 10m",
}


class ConfigurationError(Exception):
    """
    The settings do not allow a start.

    Attributes:
        problems: One sentence for each mistake; none shows a value.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(environ: Mapping[str, str]) -> Settings:
    """
    Return the settings of this environment.

    Raises:
        ConfigurationError: There are mistakes; all of them are named.
    """
    options = every_option()
    try:
        loaded = _loaded(environ, options)
        given = {p: found.value for p, found in merge_settings(options, loaded).items()}
        check = _Check(sorted(environ.keys() - _names()), given)
        return ts.load_settings(
            settings_with(used(given)),
            [lambda *_: loaded],
            processors=[check],
            converter=check.converter,
        )
    except ts.exceptions.TsError as error:
        # Only the file can still be wrong; its error names lines and options, never values.
        raise ConfigurationError([f"{FILE_VARIABLE}: {error}"]) from None


def warn_of_strangers(environ: Mapping[str, str]) -> None:
    """
    Warn of each name that looks like a setting of ours and is none, with the nearest that is one.

    Other programs share the environment, so it ends no start. Whoever starts says it once: not
    each process that it starts.
    """
    known = sorted(_names())
    for name in sorted(environ.keys() - known):
        if _looks_ours(name, known):
            close = difflib.get_close_matches(name, known, 1, _NEAREST)
            _log.warning("%s is no setting here; %s is", name, close[0])


def variable(path: str) -> str:
    """
    Return the name in the environment of a setting such as ``http.port``.
    """
    return _ALIASES.get(path, path.upper().replace(".", "__"))


def _loaded(environ: Mapping[str, str], options: OptionList) -> list[LoadedSettings]:
    """
    Return what the file says, and then the environment.
    """
    files = (file(Settings, options) for file in _files(environ))
    return [*chain.from_iterable(files), _EnvironmentLoader(environ)(Settings, options)]


def _files(environ: Mapping[str, str]) -> Iterator[ts.FileLoader]:
    name = environ.get(FILE_VARIABLE)
    if not name:
        return
    if not Path(name).is_file():
        raise ConfigurationError([f"{FILE_VARIABLE}: there is no such file"])
    try:
        Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError([f"{FILE_VARIABLE}: it cannot be read ({why})"]) from None
    yield ts.FileLoader({"*": ts.TomlFormat(None)}, [name])


@attrs.frozen
class _EnvironmentLoader:
    environ: Mapping[str, str] = attrs.field(repr=False)

    def __call__(self, settings_cls: type, options: OptionList) -> LoadedSettings:
        del settings_cls
        values: SettingsDict = {}
        for option in options:
            value = self.environ.get(variable(option.path))
            if value is not None:
                set_path(values, option.path, value)
        return LoadedSettings(values, LoaderMeta("environment"))


class _Check:
    """
    Converts each value where it can still be named, and then asks the rules.

    Attributes:
        others: Names in the environment that are no settings of ours.

        groups: Of which anything is set.
    """

    def __init__(self, others: Sequence[str], given: Collection[str]) -> None:
        self.others = others
        self.groups = {_group(path) for path in given}
        self.converter = TSConverter(strlist_sep=_split)

    def __call__(
        self, settings_dict: SettingsDict, settings_cls: type, options: OptionList
    ) -> SettingsDict:
        del settings_cls
        problems: list[str] = []
        values: dict[str, Any] = {}
        for option in options:
            problem = self._convert(settings_dict, option, values)
            if problem:
                problems.append(f"{variable(option.path)}: {problem}")
        whole = {o.path: o.default for o in options if o.has_default} | values
        broken = (*broken_rules(whole), *out_of_range(whole))
        problems += [f"{variable(path)}: {text}" for path, text in broken]
        problems += _refused_by_types(options, values)
        problems += _no_way_to_the_provider(values)
        if problems:
            raise ConfigurationError(problems)
        return settings_dict

    def _convert(
        self, loaded: SettingsDict, option: OptionInfo, values: dict[str, Any]
    ) -> str | None:
        try:
            value = get_path(loaded, option.path)
        except KeyError:
            return self._missing(option.path) if option.has_no_default else None
        try:
            values[option.path] = self.converter.structure(value, option.cls)
        except Exception:  # noqa: BLE001 - whatever a converter raises, the value does not fit
            return f"it must be {_describe(option.cls)}"
        return None

    def _missing(self, path: str) -> str:
        close = difflib.get_close_matches(variable(path), self.others, 1, _SAME_WORD)
        if close:
            return f"it is required; did you mean it by {close[0]}?"
        above, _, provider = _group(path).rpartition(".")
        if above and _group(path) not in self.groups:
            return f"it is required while DEFAULT_PROVIDER is {provider}"
        return "it is required"


def _group(path: str) -> str:
    return path.rpartition(".")[0]


def _refused_by_types(options: OptionList, values: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield what the adapters' own types say, with every value struck out.
    """
    groups: dict[str, list[OptionInfo]] = {}
    for option in options:
        groups.setdefault(_group(option.path), []).append(option)
    groups.pop("", None)
    for members in groups.values():
        given = {o.name: o for o in members if o.path in values}
        refused = {n: text for n, o in given.items() if (text := _refused(o, values[o.path]))}
        yield from (f"{variable(given[name].path)}: {text}" for name, text in refused.items())
        if refused or any(o.has_no_default and o.name not in given for o in members):
            continue
        try:
            members[0].parent_cls(**{name: values[o.path] for name, o in given.items()})
        except Exception as error:  # noqa: BLE001 - a type may refuse in any way
            texts = [values[o.path] for o in given.values()]
            yield f"{variable(_group(members[0].path))}: {_without(texts, str(error.args[0]))}"


def _no_way_to_the_provider(values: Mapping[str, Any]) -> Iterable[str]:
    """
    Return what is wrong with the machine's own proxy and certificates.
    """
    if not is_used(values, "stripe"):
        return ()
    # Whoever prints a help text should not wait for an HTTP library.
    from payments_stripe.environment import mistakes

    default = attrs.fields(StripeSettings).api_base.default
    return mistakes(values.get("payment_providers.stripe.api_base", default))


def _refused(option: OptionInfo, value: Any) -> str | None:
    """
    Return what a field's own check says of a value, without the value.
    """
    field: Any = attrs.fields_dict(option.parent_cls)[option.name]
    said = _said(field, value)
    if said is None:
        return None
    # What is said of another value too quotes neither: "redis" stays in "it must be redis://…".
    told = said if said == _said(field, "\0") else _without([value], said)
    rest = told.replace(f"'{option.name}'", option.name).removeprefix(f"{option.name} ")
    return told if rest == told else f"it {rest}"


def _said(field: Any, value: Any) -> str | None:
    """
    Return the refusal of a field's own check, or None if the value passes.
    """
    try:
        converted = field.converter(value) if field.converter else value
        if field.validator:
            field.validator(None, field, converted)
    except Exception as error:  # noqa: BLE001 - a type may refuse in any way
        return str(error.args[0])
    return None


def _without(values: Iterable[Any], text: str) -> str:
    for value in values:
        if isinstance(value, str) and value:
            text = text.replace(value, "***")
    return text


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _describe(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(kind)
    words = [text for known, text in _WORDS.items() if kind is known]
    return words[0] if words else "of another form; see docs/configuration.md"


def _looks_ours(name: str, known: Iterable[str]) -> bool:
    """
    Return whether the name's group is one of ours or nearly, or all it says is the end of one.
    """
    group, _, rest = name.partition("__")
    if not rest:
        # Not all of PAYMENT_…: Kubernetes tells the addresses of its services by such names.
        return name.startswith("PAYMENT_PROVIDER")
    groups = {other.partition("__")[0] for other in known if "__" in other}
    end = f"_{name.replace('__', '_')}"
    return bool(difflib.get_close_matches(group, groups, 1, _SAME_GROUP)) or any(
        other.replace("__", "_").endswith(end) for other in known
    )


def _names() -> set[str]:
    return {variable(option.path) for option in every_option()}
