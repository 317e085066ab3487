"""The error of everything that reads recipes."""

from .._typed import SettingError


class RecipeError(SettingError):
    """A recipe cannot be read, or one of its keys or values is wrong."""

    noun = "recipe"


require = RecipeError.require
