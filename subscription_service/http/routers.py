"""All routers of the service."""

from collections.abc import Sequence

from fastapi import APIRouter

from shared.runtime.components import ServiceContext
from subscription_service.domain.policy import Rules
from subscription_service.http import account_list, api, forecast, person, receipts, trying


def routers(context: ServiceContext, rules: Rules) -> Sequence[APIRouter]:
    """In the order of the OpenAPI document."""
    engine = context.http_engine
    return [
        account_list.router(engine),
        api.router(engine, context.clock, rules),
        forecast.router(context, rules),
        trying.router(engine, context.clock, rules),
        receipts.router(engine),
        person.router(engine),
    ]
