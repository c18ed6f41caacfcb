"""Options that several commands share, as groups: a command takes a group as one parameter, and Typer sees each option.

A group is a `NamedTuple` whose fields are options. It is written once, where it belongs, and so are its defaults.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R")


def with_groups(command: Callable[..., R]) -> Callable[..., R]:
    """The command, with the fields of each of its groups in the place of the group."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if hasattr(hint, "_field_defaults")}

    @wraps(command)
    def run(**given: Any) -> R:
        made = {name: group(*[given.pop(field) for field in group._fields]) for name, group in groups.items()}
        return command(**given, **made)

    parameters = [each for name in signature(command).parameters for each in _parameters(command, name, hints[name])]
    vars(run)["__signature__"] = Signature(parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": hints["return"]}
    return run


def _parameters(command: Callable[..., Any], name: str, hint: Any) -> Iterator[Parameter]:
    """One parameter as it is, or one per field of a group."""
    if not hasattr(hint, "_field_defaults"):
        yield signature(command).parameters[name].replace(annotation=hint)
        return
    for field, annotation in get_type_hints(hint, include_extras=True).items():
        default = hint._field_defaults.get(field, Parameter.empty)
        yield Parameter(field, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
