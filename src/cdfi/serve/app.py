"""The web application: routes, checks, start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cdfi.serve.answers import ApiError, answer, failure, on_error
from cdfi.serve.file_routes import FileApi
from cdfi.serve.guard import Guard
from cdfi.serve.job_options import CONTAINERS, MODELS
from cdfi.serve.job_routes import JobApi
from cdfi.serve.page_files import page_routes
from cdfi.serve.serve_config import ServeConfig
from cdfi.serve.service import Service
from cdfi.serve.work_routes import WorkApi
from cdfi.video.shipped_presets import shipped_options


def build_app(config: ServeConfig) -> Starlette:
    """Return the application; it owns its data folder from now until its lifespan ends.

    Raises:
        OSError: the data folder cannot be used.
    """
    service = Service(config)

    async def about(request: Request) -> Response:
        """Return what this server can do."""
        return answer(
            {
                "version": version("cdfi"),
                "root": config.root is not None,
                "models": MODELS,
                "containers": CONTAINERS,
                "presets": shipped_options(),
                "most_bytes": config.most_bytes,
            }
        )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.close()

    about_route = Route("/api/about", about, methods=["GET"])
    apis = (FileApi(service), JobApi(service), WorkApi(service))
    routes = [about_route, *(route for api in apis for route in api.routes()), *page_routes()]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, config=config)],
        exception_handlers={ApiError: on_error, HTTPException: _on_http_error},
        lifespan=lifespan,
    )
    app.state.service = service
    return app


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Return Starlette's own errors (no such route, wrong method) as JSON."""
    assert isinstance(error, HTTPException)
    return failure(error.status_code, error.detail)
