"""Which of two media types a caller wants to have, by its header `Accept` (RFC 9110, section 12.5.1)."""


def prefers(accept: str, media_type: str, *, to: str) -> bool:
    """Whether `media_type` has a greater weight than `to`; a type that is not named has none."""
    weights = dict(_range(each) for each in accept.split(","))
    return weights.get(media_type, 0.0) > weights.get(to, 0.0)


def _range(text: str) -> tuple[str, float]:
    """A media type and its weight; one that is no number is 0."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
