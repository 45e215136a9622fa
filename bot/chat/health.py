"""A small HTTP endpoint for whoever watches over the bot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.chat.metrics import Metrics
from bot.errors import SettingError
from bot.settings import Address

if TYPE_CHECKING:
    from aiohttp import web

_LIVE = ("/live", "/livez", "/health", "/healthz")
_READY = ("/ready", "/readyz")


async def serve_health(
    address: Address, metrics: Metrics, is_ready: Callable[[], bool]
) -> web.AppRunner:
    """Serve liveness, readiness and metrics; the runner's ``cleanup`` ends it.

    Raises SettingError where the address cannot be listened on.
    """
    # Imported here: the endpoint is off by default, and these cost time and memory.
    from aiohttp import web
    from prometheus_client import (
        CollectorRegistry,
        GCCollector,
        PlatformCollector,
        ProcessCollector,
        generate_latest,
    )
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    registry = CollectorRegistry()
    registry.register(metrics)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)

    async def live(_: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def ready(_: web.Request) -> web.Response:
        if is_ready():
            return web.Response(text="ready\n")
        return web.Response(text="not connected to Discord\n", status=503)

    async def exposed(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    app = web.Application()
    app.router.add_get("/metrics", exposed)
    for path in _LIVE:
        app.router.add_get(path, live)
    for path in _READY:
        app.router.add_get(path, ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError as error:
        await runner.cleanup()
        problem = f"cannot listen on {address.host}:{address.port}: {error.strerror or error}"
        raise SettingError("MADOGUCHI_HEALTH", problem) from error
    return runner
