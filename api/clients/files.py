"""The generated files, all from one OpenAPI document. The same document gives the same bytes."""

from typing import Any

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from api.clients.postman.collection import collection_of
from api.clients.python_client import models_of, operations_of
from api.http.renderer import as_json_values, render_json_text

PACKAGE = "clients/python/wallet_client"


def generated_files() -> dict[str, str]:
    """Return the content of each file by its path below the project's directory."""
    document = openapi_document()
    return {
        "Postman-Collection.json": f"{render_json_text(collection_of(document))}\n",
        f"{PACKAGE}/models.py": models_of(document),
        f"{PACKAGE}/operations.py": operations_of(document),
    }


def openapi_document() -> dict[str, Any]:
    """Return what `/api/schema` serves. A warning about it is an error here."""
    document: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    if GENERATOR_STATS:
        GENERATOR_STATS.emit_summary()
        raise ValueError("The OpenAPI document has warnings.")
    plain: dict[str, Any] = as_json_values(document)
    return plain
