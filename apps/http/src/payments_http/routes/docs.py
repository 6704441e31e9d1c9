"""
The API's description, and pages to read and try it; everything is served from here.
"""

from typing import Any

from flask import Blueprint, Flask, redirect
from flask_smorest import Api  # type: ignore[import-untyped]  # ships no types
from flask_swagger_ui import get_swaggerui_blueprint  # type: ignore[import-untyped]  # likewise
from werkzeug.wrappers import Response

from payments_http.access import Open, guarded

PAGES = "/swagger"
DESCRIPTION = "/swagger/v1/swagger.json"


def register(app: Flask, api: Api) -> None:
    """
    Serve the description and the pages.
    """
    routes = Blueprint("description", __name__)

    @routes.get(DESCRIPTION)
    @guarded(Open.PUBLIC)
    def description() -> dict[str, Any]:
        found: dict[str, Any] = api.spec.to_dict()
        return found

    @routes.get("/")
    @routes.get(PAGES)
    @guarded(Open.PUBLIC)
    def pages() -> Response:
        return redirect(f"{PAGES}/")

    app.register_blueprint(routes)
    app.register_blueprint(
        get_swaggerui_blueprint(PAGES, DESCRIPTION, {"app_name": "Payments", "validatorUrl": None})
    )
    show = app.view_functions["swagger_ui.show"]
    app.view_functions["swagger_ui.show"] = guarded(Open.PUBLIC)(show)
