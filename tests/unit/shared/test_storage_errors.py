"""What is said of the database's trouble, for operators."""

import pytest

from shared.runtime.errors import Transient
from shared.storage.errors import classified


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "PostgreSQL: TimeoutError"),
        (ConnectionError("refused"), "PostgreSQL: ConnectionError: refused"),
    ],
)
async def test_an_error_without_words_is_named_alone(error: Exception, said: str) -> None:
    with pytest.raises(Transient) as raised, classified():
        raise error
    assert str(raised.value) == said
