"""Training: recipes and the Accelerate loop that follows them."""

from ._recipe_error import RecipeError
from .broken import TooManyBrokenError
from .read_ahead import DecodingCrashedError
from .reading import list_recipes, load_recipe, noted_recipe, parse_recipe
from .recipe import Recipe
from .run import TrainingDivergedError
from .termination import TrainingTerminated
from .trainer import train

__all__ = [
    "DecodingCrashedError",
    "Recipe",
    "RecipeError",
    "TooManyBrokenError",
    "TrainingDivergedError",
    "TrainingTerminated",
    "list_recipes",
    "load_recipe",
    "noted_recipe",
    "parse_recipe",
    "train",
]
