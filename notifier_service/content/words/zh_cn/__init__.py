"""Chinese (simplified): every sentence, label and noun that a customer reads."""

from collections.abc import Mapping
from typing import Final

from notifier_service.content.words.zh_cn import messages, orders

WORDS: Final[Mapping[str, str | Mapping[str, str]]] = {**messages.WORDS, **orders.WORDS}
