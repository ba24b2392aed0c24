"""The generated files, all from one OpenAPI document. The same document gives the same bytes."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command

from api.clients.postman import collection_of
from api.clients.python_client import models_of, operations_of

PACKAGE = "clients/python/wallet_client"


def generated_files() -> dict[str, str]:
    """Return the content of each file by its path below the project's directory."""
    document = openapi_document()
    collection = json.dumps(collection_of(document), indent=2, ensure_ascii=False)
    return {
        "Postman-Collection.json": f"{collection}\n",
        f"{PACKAGE}/models.py": models_of(document),
        f"{PACKAGE}/operations.py": operations_of(document),
    }


def openapi_document() -> dict[str, Any]:
    """Return what `/api/schema` serves. A warning about it is an error here."""
    written = StringIO()
    call_command("spectacular", format="openapi-json", fail_on_warn=True, stdout=written)
    document: dict[str, Any] = json.loads(written.getvalue())
    return document
