"""The process: joins reader, page and snapshot, and runs them until a signal."""

import asyncio
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics

from shared.runtime.process import wait_for_stop_signal
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from shared.runtime.version import VERSION
from shared.web.application import build_application
from shared.web.auth import Guard
from shared.web.server import serve
from subscription_service.policy_files.rules import load_rules
from tenure.ops.access import NotAdmitted
from tenure.ops.assets import NoAssets, chart_library
from tenure.ops.context import OpsContext, real_time
from tenure.ops.http import entrance, routes, show_login
from tenure.ops.keeper import Keeper
from tenure.ops.log_lines import CHARTS_MISSING, OPS_STARTED
from tenure.ops.model import Model
from tenure.ops.probes import probes
from tenure.ops.reader import Reader
from tenure.ops.renewals import Estimates
from tenure.ops.status import Status


async def run(settings: Settings, folder: Path | None = None) -> None:
    """Run until SIGINT, SIGTERM or cancellation; `folder`: for the snapshot, instead of the one of the settings.

    Raises `Alarm`, and `BadSettings` for settings that cannot work.
    """
    keeper, context = build(settings if folder is None else settings.model_copy(update={"ops_data_dir": folder}))
    app = build_app(context)
    OPS_STARTED.say(version=VERSION, host=settings.http_host, port=settings.http_port)
    try:
        await run_until_one_ends(
            wait_for_stop_signal,
            partial(serve, app, settings),
            context.reader.run,
            partial(keeper.run, lambda: context.model),
            partial(_fetch_charts, context),
        )
    finally:
        await keeper.keep(context.model)


def build(settings: Settings) -> tuple[Keeper, OpsContext]:
    """Everything but HTTP; connects to nothing yet. Raises `BadSettings`."""
    rules, status = load_rules(settings), Status()
    estimates = Estimates(rules)
    keeper = Keeper(settings, rules, lambda: int(real_time().timestamp() * 1000))
    model = keeper.load(estimates)
    reader = Reader(settings, status, model=model, renew=lambda: Model.empty(estimates), now=real_time)
    return keeper, OpsContext(settings, rules, status, reader)


def build_app(context: OpsContext) -> FastAPI:
    """The application."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    Gauge("tenure_ops_accounts", "Accounts that the operations page knows.", registry=registry).set_function(
        lambda: len(context.model.accounts)
    )
    Gauge("tenure_ops_behind_records", "Records that it has not read yet.", registry=registry).set_function(
        lambda: context.status.behind
    )
    app = build_application("ops", context.settings, guard=Guard(context.settings), registry=registry)
    app.add_exception_handler(NotAdmitted, show_login)
    app.include_router(probes(context.status, registry))
    app.include_router(entrance())
    app.include_router(routes(context))
    return app


async def _fetch_charts(context: OpsContext) -> None:
    """The page works meanwhile, and without."""
    try:
        context.charts = await asyncio.to_thread(chart_library)
    except NoAssets as error:
        CHARTS_MISSING.say(reason=str(error))
    await asyncio.Event().wait()
