"""Training: recipes and the Accelerate loop that follows them."""

from ._typed import RecipeError
from .broken import TooManyBrokenError
from .reading import list_recipes, load_recipe, parse_recipe
from .recipe import Recipe
from .termination import TrainingTerminated
from .trainer import train

__all__ = [
    "Recipe",
    "RecipeError",
    "TooManyBrokenError",
    "TrainingTerminated",
    "list_recipes",
    "load_recipe",
    "parse_recipe",
    "train",
]
