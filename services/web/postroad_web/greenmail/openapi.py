"""The description of the REST API at /greenmail-openapi.yml, where GreenMail has its own. JSON is YAML, too."""

from __future__ import annotations

from typing import Any


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": description}


_NAME = _parameter("emailOrId", "login or address of a user")
_FOLDER = _parameter("folderName", "a mailbox, such as INBOX")
_TEXT, _INTEGER, _BOOLEAN = ({"type": kind} for kind in ("string", "integer", "boolean"))
_PERHAPS = {"type": "string", "nullable": True}


def _record(*, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required or properties), "properties": properties}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _of(name)}


def _of(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _operation(name: str, text: str, schema: dict[str, Any], *, body: str | None = None) -> dict[str, Any]:
    answers = {"200": _answer("done", schema), "default": _answer("why not", _of("ErrorResponse"))}
    operation: dict[str, Any] = {"operationId": name, "description": text, "responses": answers}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _of(body)}}}
    return operation


_DONE = _of("SuccessResponse")
_MESSAGES = _operation("get_user_messages", "The messages of a user's mailbox, the oldest first", _list("Message"))
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.0",
    "info": {"title": "GreenMail's REST API, as Postroad has it", "version": "2.1"},
    "paths": {
        "/api/configuration": {
            "get": _operation("get_configuration", "The servers, and what they do", _of("Configuration"))
        },
        "/api/user": {
            "get": _operation("get_all_user", "The users", _list("User")),
            "post": _operation("create_user", "Make a user", _of("User"), body="NewUser"),
        },
        "/api/user/{emailOrId}": {
            "parameters": [_NAME],
            "delete": _operation("delete_user", "Remove a user that was made", _DONE),
        },
        "/api/user/{emailOrId}/messages": {"parameters": [_NAME], "get": _MESSAGES | {"operationId": "get_inbox"}},
        "/api/user/{emailOrId}/messages/{folderName}": {"parameters": [_NAME, _FOLDER], "get": _MESSAGES},
        "/api/mail/purge": {"post": _operation("purge", "Remove all mail", _DONE)},
        "/api/service/reset": {"post": _operation("reset", "Remove all mail, and users that were made", _DONE)},
        "/api/service/readiness": {"get": _operation("readiness", "Whether the service is there", _DONE)},
    },
    "components": {
        "schemas": {
            "User": _record(login=_TEXT, email=_TEXT),
            "NewUser": _record(email=_TEXT, login=_TEXT, password=_TEXT),
            "Message": _record(
                required=("uid", "contentType", "mimeMessage"),
                uid=_TEXT,
                messageId=_PERHAPS,
                subject=_PERHAPS,
                contentType=_TEXT,
                mimeMessage=_TEXT,
            ),
            "Configuration": _record(
                required=("serverSetups",),
                serverSetups=_list("ServerSetup"),
                authenticationDisabled=_BOOLEAN,
                sieveIgnoreDetail=_BOOLEAN,
                preloadDirectory=_PERHAPS,
            ),
            "ServerSetup": _record(
                required=("port", "address", "protocol", "isSecure"),
                port=_INTEGER,
                address=_TEXT,
                protocol=_TEXT,
                isSecure=_BOOLEAN,
                readTimeout=_INTEGER,
                writeTimeout=_INTEGER,
                connectionTimeout=_INTEGER,
                serverStartupTimeout=_INTEGER,
                isDynamicPort=_BOOLEAN,
            ),
            "SuccessResponse": _record(message=_TEXT),
            "ErrorResponse": _record(message=_TEXT),
        }
    },
}
