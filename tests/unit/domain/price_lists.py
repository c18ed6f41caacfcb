"""The default rules with price lists that begin later (R50)."""

from dataclasses import replace
from typing import Any

from subscription_service.domain.policy import EditionPrice, PriceList, Rules
from tests.unit.domain.scenario import PRICES, RULES, day, rules


def dated(*later: tuple[str, int], **policy: Any) -> Rules:
    """With a list for each (first billing day, how many times as dear as today's); its version is such as `2x`."""
    lists = (PRICES, *(_times(factor, text) for text, factor in later))
    return replace(rules(**policy), catalog=replace(RULES.catalog, price_lists=lists))


def _times(factor: int, text: str) -> PriceList:
    return PriceList(
        version=f"{factor}x",
        valid_from=day(text),
        editions={name: EditionPrice(*(factor * each for each in price)) for name, price in PRICES.editions.items()},
        features={name: factor * price for name, price in PRICES.features.items()},
    )


def dated_table(text: str) -> str:
    """The same prices as those of the default catalog, as a table of a catalog file that begins on this day."""
    editions = "\n".join(
        f"{name} = {{ {', '.join(prices)} }}"
        for name, price in PRICES.editions.items()
        if (prices := [f'{key} = "{value}"' for key, value in price._asdict().items() if value])
    )
    features = "\n".join(f'{name} = "{price}"' for name, price in PRICES.features.items())
    head = f'[[price_lists]]\nversion = "list of {text}"\nvalid_from = {text}'
    return f"{head}\n[price_lists.editions]\n{editions}\n[price_lists.features]\n{features}\n"


CHANGING = dated(("2024-02-05", 2), charge_notice_days=(7, 1))
"""Prices that change within the lives of the properties, and notices of charges (R49)."""
