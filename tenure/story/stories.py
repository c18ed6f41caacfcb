"""The stories that `tenure demo` can tell, by their names."""

from collections.abc import Mapping
from typing import Final

from tenure.story import customer, moving_in
from tenure.story.chapters import Story

STORIES: Final[Mapping[str, Story]] = {"customer": customer.STORY, "moving-in": moving_in.STORY}
