"""The paths of the document, each with its operation's name, and the page that shows them."""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from postroad_web.api.home import page
from postroad_web.mailpit.endpoint import Call, json
from postroad_web.mailpit.swagger.definitions import DEFINITIONS, schema

if TYPE_CHECKING:
    from starlette.responses import Response

_ID = {"name": "ID", "in": "path", "type": "string", "required": True, "description": 'ID of a message, or "latest"'}
_PART = {"name": "PartID", "in": "path", "type": "string", "required": True, "description": "ID of a part"}
_TAG = {"name": "Tag", "in": "path", "type": "string", "required": True, "description": "A tag, percent-encoded"}
_START = {
    "name": "start",
    "in": "query",
    "type": "integer",
    "format": "int64",
    "default": 0,
    "description": "How many messages to skip",
}
_LIMIT = {
    "name": "limit",
    "in": "query",
    "type": "integer",
    "format": "int64",
    "default": 50,
    "description": "How many messages to answer",
}
_BEFORE = {
    "name": "before",
    "in": "query",
    "type": "string",
    "format": "date-time",
    "description": "Only messages that came before this time",
}
_QUERY = {"name": "query", "in": "query", "type": "string", "required": True, "description": "What to search for"}
_FOLLOW = {"name": "follow", "in": "query", "type": "string", "default": "false", "description": "Follow redirects"}
_EMBED = {"name": "embed", "in": "query", "type": "string", "description": "1: for a frame, links open outside of it"}
_ZONE = {
    "name": "tz",
    "in": "query",
    "type": "string",
    "description": "Time zone of after: and before:, such as Europe/Berlin",
}

_JSON, _PLAIN = "application/json", "text/plain"
_OK, _ERROR = "OKResponse", "ErrorResponse"

RESPONSES: dict[str, dict[str, Any]] = {
    "AppInfoResponse": {"description": "What runs", "schema": schema("AppInformation")},
    "ArrayResponse": {"description": "Strings", "schema": schema("[text]")},
    "BinaryResponse": {"description": "The part's content", "schema": {"type": "string", "format": "binary"}},
    "ChaosResponse": {"description": "The triggers", "schema": schema("ChaosTriggers")},
    "ErrorResponse": {"description": "Why not, in plain text", "schema": schema("text")},
    "HTMLResponse": {"description": "HTML", "schema": schema("text")},
    "JSONErrorResponse": {"description": "Why not", "schema": schema("JSONErrorMessage")},
    "MessagesSummaryResponse": {"description": "A page of messages", "schema": schema("MessagesSummary")},
    "NotFoundResponse": {"description": "There is no such message", "schema": schema("text")},
    "OKResponse": {"description": "ok", "schema": schema("text")},
    "SendMessageResponse": {"description": "The ID of the message", "schema": schema("SendMessageConfirmation")},
    "TextResponse": {"description": "Plain text", "schema": schema("text")},
    "WebUIConfigurationResponse": {"description": "Settings", "schema": schema("WebUIConfiguration")},
    **{
        name: {"description": name, "schema": schema(name)}
        for name in (
            "Message",
            "MessageHeadersResponse",
            "HTMLCheckResponse",
            "LinkCheckResponse",
            "SpamAssassinResponse",
        )
    },
}

# Method and path; tag; name of the operation; what it does; what it answers with 200, and as which type;
# parameters; the body's definition.
_OPERATIONS: tuple[tuple[str, str, str, str, str, str, tuple[dict[str, Any], ...], str], ...] = (
    ("GET /api/v1/info", "application", "AppInformation", "Tell what runs", "AppInfoResponse", _JSON, (), ""),
    (
        "GET /api/v1/webui",
        "application",
        "WebUIConfiguration",
        "Tell the settings of Mailpit's own pages",
        "WebUIConfigurationResponse",
        _JSON,
        (),
        "",
    ),
    (
        "GET /api/v1/messages",
        "messages",
        "GetMessagesParams",
        "List messages, the newest first",
        "MessagesSummaryResponse",
        _JSON,
        (_START, _LIMIT, _BEFORE),
        "",
    ),
    (
        "PUT /api/v1/messages",
        "messages",
        "SetReadStatusParams",
        "Mark messages as read or unread: those with the IDs, those that a search finds, or all",
        _OK,
        _PLAIN,
        (_ZONE,),
        "SetReadStatusRequest",
    ),
    (
        "DELETE /api/v1/messages",
        "messages",
        "DeleteMessagesParams",
        "Delete messages: those with the IDs, or all",
        _OK,
        _PLAIN,
        (),
        "DeleteRequest",
    ),
    (
        "GET /api/v1/search",
        "messages",
        "SearchParams",
        "List the messages that a search finds, the newest first",
        "MessagesSummaryResponse",
        _JSON,
        (_QUERY, _START, _LIMIT, _ZONE, _BEFORE),
        "",
    ),
    (
        "DELETE /api/v1/search",
        "messages",
        "DeleteSearchParams",
        "Delete the messages that a search finds",
        _OK,
        _PLAIN,
        (_QUERY, _ZONE),
        "",
    ),
    (
        "GET /api/v1/message/{ID}",
        "message",
        "GetMessageParams",
        "Show a message, and mark it as read",
        "Message",
        _JSON,
        (_ID,),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/headers",
        "message",
        "GetHeadersParams",
        "Show the header fields",
        "MessageHeadersResponse",
        _JSON,
        (_ID,),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/raw",
        "message",
        "DownloadRawParams",
        "Show the source",
        "TextResponse",
        _PLAIN,
        (_ID,),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/part/{PartID}",
        "message",
        "AttachmentParams",
        "Show a part, decoded, in its own type",
        "BinaryResponse",
        "application/octet-stream",
        (_ID, _PART),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/part/{PartID}/thumb",
        "message",
        "ThumbnailParams",
        "Show a part as a picture of 180 by 120 pixels",
        "BinaryResponse",
        "image/jpeg",
        (_ID, _PART),
        "",
    ),
    (
        "POST /api/v1/message/{ID}/release",
        "message",
        "ReleaseMessageParams",
        "Send a message on to a real server, if one is set",
        _OK,
        _PLAIN,
        (_ID,),
        "ReleaseRequest",
    ),
    (
        "POST /api/v1/send",
        "message",
        "SendMessageParams",
        "Send a message",
        "SendMessageResponse",
        _JSON,
        (),
        "SendRequest",
    ),
    (
        "GET /api/v1/message/{ID}/html-check",
        "other",
        "HTMLCheckParams",
        "Check the HTML against what mail programs support",
        "HTMLCheckResponse",
        _JSON,
        (_ID,),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/link-check",
        "other",
        "LinkCheckParams",
        "Check where the links lead",
        "LinkCheckResponse",
        _JSON,
        (_ID, _FOLLOW),
        "",
    ),
    (
        "GET /api/v1/message/{ID}/sa-check",
        "other",
        "SpamAssassinCheckParams",
        "Ask SpamAssassin, which is not here",
        "SpamAssassinResponse",
        _JSON,
        (_ID,),
        "",
    ),
    ("GET /api/v1/tags", "tags", "GetAllTags", "List the tags", "ArrayResponse", _JSON, (), ""),
    (
        "PUT /api/v1/tags",
        "tags",
        "SetTagsParams",
        "Give messages tags in place of those that they have",
        _OK,
        _PLAIN,
        (),
        "SetTagsRequest",
    ),
    (
        "PUT /api/v1/tags/{Tag}",
        "tags",
        "RenameTagParams",
        "Give a tag another name",
        _OK,
        _PLAIN,
        (_TAG,),
        "RenameTagRequest",
    ),
    (
        "DELETE /api/v1/tags/{Tag}",
        "tags",
        "DeleteTagParams",
        "Take a tag away from all messages",
        _OK,
        _PLAIN,
        (_TAG,),
        "",
    ),
    ("GET /api/v1/chaos", "testing", "getChaos", "Show the faults", "ChaosResponse", _JSON, (), ""),
    (
        "PUT /api/v1/chaos",
        "testing",
        "setChaosParams",
        "Set the faults; those that are left out are off",
        "ChaosResponse",
        _JSON,
        (),
        "ChaosTriggers",
    ),
    (
        "GET /view/{ID}.html",
        "testing",
        "GetMessageHTMLParams",
        "Show the HTML part, with its images",
        "HTMLResponse",
        "text/html",
        (_ID, _EMBED),
        "",
    ),
    (
        "GET /view/{ID}.txt",
        "testing",
        "GetMessageTextParams",
        "Show the text",
        "TextResponse",
        _PLAIN,
        (_ID,),
        "",
    ),
)


@cache
def document() -> dict[str, Any]:
    """Return the whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for where, tag, name, summary, response, kind, parameters, body in _OPERATIONS:
        method, _, path = where.partition(" ")
        failed = "JSONErrorResponse" if path == "/api/v1/send" else _ERROR
        answers = {"200": response, "400": failed} | ({"404": "NotFoundResponse"} if _ID in parameters else {})
        sent = [{"name": "Body", "in": "body", "schema": schema(body)}] if body else []
        paths.setdefault(path, {})[method.lower()] = {
            "tags": [tag],
            "summary": summary,
            "operationId": name,
            **({"consumes": [_JSON]} if body else {}),
            "produces": [kind],
            "parameters": [*parameters, *sent],
            "responses": {status: {"$ref": f"#/responses/{answer}"} for status, answer in answers.items()},
        }
    return {
        "swagger": "2.0",
        "info": {
            "title": "Mailpit API",
            "description": "Postroad speaks the API of Mailpit, so that its clients work unchanged.",
            "version": "v1",
            "license": {"name": "MIT"},
        },
        "basePath": "/",
        "schemes": ["http", "https"],
        "consumes": [_JSON],
        "produces": [_JSON],
        "paths": paths,
        "definitions": DEFINITIONS,
        "responses": RESPONSES,
    }


async def swagger(_call: Call) -> Response:
    """Answer the document."""
    return json(document())


async def docs(call: Call) -> Response:
    """Answer a page with all operations."""
    rows = "".join(
        f"<tr><th scope=row>{escape(where)}</th><td>{escape(summary)}</td><td>{escape(body or '-')}</td>"
        f"<td>{escape(response.removesuffix('Response') or response)}</td></tr>"
        for where, _, _, summary, response, _, _, body in _OPERATIONS
    )
    return page(
        "Mailpit's API",
        f'<header><h1>Mailpit\'s API</h1><nav><a href="{call.prefix}/api/v1/swagger.json">OpenAPI 2</a>'
        f'<a href="{call.prefix}/v1/docs">Postroad\'s own API</a></nav></header>'
        "<main><section><table class=messages><thead><tr>"
        f"<th>Request</th><th>What it does</th><th>Body</th><th>Answer</th></tr></thead><tbody>{rows}</tbody></table>"
        "</section></main>",
    )
