"""Rules that the fields of configurations and processors keep."""

from ..errors import InvalidValueError, explain

# By field: whether it holds, and the rule in words.
Rules = dict[str, tuple[bool, str]]

_MOST_SHOWN = 8  # values of a list


def check_fields(owner: object, rules: Rules) -> None:
    """Refuse what breaks a rule.

    Args:
        owner: A configuration or a processor.
        rules: Of its attributes.

    Raises:
        InvalidValueError: A value breaks its rule; the message names the field.
    """
    for field, (holds, expected) in rules.items():
        if not holds:
            value = getattr(owner, field)
            is_long = isinstance(value, list) and len(value) > _MOST_SHOWN
            got = f"{len(value)} values" if is_long else repr(value)
            raise InvalidValueError(explain(f"{type(owner).__name__}.{field}", got, expected))
