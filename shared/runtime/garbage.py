"""How often Python searches for cycles of objects: a setting of the process, made once after its imports."""

import gc


def collect_garbage_seldom() -> None:
    """A batch makes many objects and no cycles; at Python's own thresholds the search for cycles took 20 % of it."""
    gc.freeze()  # what is imported stays
    gc.enable()
    gc.set_threshold(100_000, 20, 50)
