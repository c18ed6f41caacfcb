"""The notifier's HTTP: every router, the pages, and which other origins may use the inbox. `app` runs it."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from notifier_service.content_files import LoadedContent
from notifier_service.http import api, bounces, mails, person, suppressions
from notifier_service.inbox import api as inbox
from notifier_service.inbox.actions import InboxActions
from notifier_service.inbox.stream import Streams
from notifier_service.pages import inbox as inbox_page
from notifier_service.pages import preferences, unsubscribe
from notifier_service.pages.session import PageContext
from notifier_service.previews import pages as previews
from notifier_service.returned_mail import ReturnedMail
from notifier_service.unsubscribe_links import UnsubscribeLinks
from shared.runtime.components import ServiceContext
from shared.runtime.metrics import Metrics
from shared.web.auth import Guard
from shared.web.cross_origin import CrossOrigin
from shared.web.http import build_http


def build_http_application(
    context: ServiceContext, content: LoadedContent, guard: Guard, metrics: Metrics, streams: Streams
) -> FastAPI:
    """Raises `BadSettings`."""
    routers = [*_recipients_routers(context, streams), *_operators_routers(context, content)]
    application = build_http(context, guard=guard, metrics=metrics, routers=routers)
    application.add_middleware(CrossOrigin, access=inbox_page.component_access(context.settings))
    application.state.pages = PageContext(content.languages, context.settings.public_url, content.brand.product_name)
    return application


def _recipients_routers(context: ServiceContext, streams: Streams) -> Sequence[APIRouter]:
    engine = context.http_engine
    actions = InboxActions(engine, context.clock, context.partitions)
    return [
        inbox.router(engine, actions, streams),
        inbox_page.router(engine, context.clock, actions),
        preferences.router(engine),
        unsubscribe.router(engine, UnsubscribeLinks(context.settings)),
    ]


def _operators_routers(context: ServiceContext, content: LoadedContent) -> Sequence[APIRouter]:
    engine = context.http_engine
    return [
        api.router(engine),
        person.router(engine),
        suppressions.router(engine, context.settings),
        bounces.router(context, ReturnedMail(content.languages, context.settings)),
        previews.router(content, context.settings),
        mails.router(context),
    ]
