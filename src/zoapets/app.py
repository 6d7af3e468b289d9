"""The only wiring: settings in, an ASGI application out."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide

from zoapets.common.clock import Clock
from zoapets.core.auth.controller import AuthController
from zoapets.core.config import Settings
from zoapets.core.docs.controller import DocsController
from zoapets.core.health import HealthController
from zoapets.core.http import TYPE_DECODERS, JsonRequest, JsonResponse, authorized, provide_context
from zoapets.core.middleware import RequestRing
from zoapets.core.problems import handle
from zoapets.core.runtime import Runtime
from zoapets.modules.administracoes.controller import AdministracoesController
from zoapets.modules.auditoria.controller import AuditoriaController
from zoapets.modules.configuracoes.controller import ConfiguracoesController
from zoapets.modules.internacoes.controller import InternacoesController
from zoapets.modules.leitos.controller import AlasController, LeitosController, UnidadesController
from zoapets.modules.medicamentos.controller import MedicamentosController
from zoapets.modules.pets.controller import PetsController
from zoapets.modules.prescricoes.controller import PrescricoesController
from zoapets.modules.roles.controller import RolesController
from zoapets.modules.tenants.controller import TenantsController
from zoapets.modules.tutores.controller import TutoresController
from zoapets.modules.users.controller import UsersController

CONTROLLERS = [
    AdministracoesController,
    AlasController,
    AuditoriaController,
    AuthController,
    ConfiguracoesController,
    DocsController,
    HealthController,
    InternacoesController,
    LeitosController,
    MedicamentosController,
    PetsController,
    PrescricoesController,
    RolesController,
    TenantsController,
    TutoresController,
    UnidadesController,
    UsersController,
]


class Application:
    """The framework's application inside the request ring; `runtime` is open while it serves."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock
        self.litestar = Litestar(
            route_handlers=CONTROLLERS,
            dependencies={"ctx": Provide(provide_context)},
            middleware=[authorized],
            exception_handlers={Exception: handle},
            request_class=JsonRequest,
            response_class=JsonResponse,
            type_decoders=TYPE_DECODERS,
            request_max_body_size=settings.body_limit,
            cors_config=_cors(settings),
            openapi_config=None,
            logging_config=None,
            lifespan=[self._open],
        )
        self._ring: RequestRing | None = None

    @asynccontextmanager
    async def _open(self, app: Litestar) -> AsyncIterator[None]:
        runtime = await Runtime.open(self.settings, self._clock)
        app.state.runtime = runtime
        self._ring = RequestRing(app, self.settings, runtime.metrics)
        _settle()
        try:
            yield
        finally:
            self._ring.close()
            await runtime.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self._ring or self.litestar)(scope, receive, send)


def _settle() -> None:
    """Leave what start-up made out of every later garbage collection, and collect less often.

    A panel of 150 doses makes thousands of short-lived values, and a collection in its midst walked the whole
    framework.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "if-match", "idempotency-key", "x-request-id"],
        expose_headers=["etag", "x-request-id", "retry-after", "idempotency-replayed"],
        max_age=600,
    )


def create_app(settings: Settings, clock: Clock | None = None) -> Application:
    return Application(settings, clock)
