"""Rules that the fields of configurations and processors keep."""

from ..errors import InvalidValueError, explain

# By field: whether it holds, and the rule in words.
Rules = dict[str, tuple[bool, str]]

_LONGEST = 100  # characters of a list that is shown


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
            got = repr(value)
            if isinstance(value, list) and len(got) > _LONGEST:
                got = f"a list of {len(value)}"
            raise InvalidValueError(explain(f"{type(owner).__name__}.{field}", got, expected))
