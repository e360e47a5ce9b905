"""The objects of Mailpit's JSON, by the names that generated clients have of them. Pure tables."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "flag": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "int": {"type": "integer", "format": "int64"},
    "count": {"type": "integer", "format": "uint64"},
    "double": {"type": "number", "format": "double"},
    "float": {"type": "number", "format": "float"},
}


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of a type: a word of the table, `[type]` for an array, `{type}` for a map, or a definition."""
    if kind.startswith("["):
        return {"type": "array", "items": schema(kind[1:-1])}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": schema(kind[1:-1])}
    return _TYPES.get(kind) or {"$ref": f"#/definitions/{kind}"}


def members(required: tuple[str, ...] = (), /, **kinds: str) -> dict[str, Any]:
    """Return the schema of an object."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", **needed, "properties": {name: schema(kind) for name, kind in kinds.items()}}


_ROW = {
    "ID": "text",
    "MessageID": "text",
    "From": "Address",
    "To": "[Address]",
    "Cc": "[Address]",
    "Bcc": "[Address]",
    "ReplyTo": "[Address]",
    "Subject": "text",
    "Tags": "[text]",
    "Username": "text",
    "Size": "count",
}
_PERSON = members(("Email",), Email="text", Name="text")

DEFINITIONS: dict[str, dict[str, Any]] = {
    "Address": members(Name="text", Address="text"),
    "AppInformation": members(
        Version="text",
        LatestVersion="text",
        Database="text",
        DatabaseSize="count",
        Messages="count",
        Unread="count",
        Tags="{int}",
        RuntimeStats="RuntimeStats",
    ),
    "Attachment": members(
        PartID="text", FileName="text", ContentType="text", ContentID="text", Size="count", Checksums="Checksums"
    ),
    "ChaosTrigger": members(ErrorCode="int", Probability="int"),
    "ChaosTriggers": members(Sender="ChaosTrigger", Recipient="ChaosTrigger", Authentication="ChaosTrigger"),
    "Checksums": members(MD5="text", SHA1="text", SHA256="text"),
    "DeleteRequest": members(IDs="[text]"),
    "HTMLCheckResponse": members(Platforms="{[text]}", Total="HTMLCheckTotal", Warnings="[HTMLCheckWarning]"),
    "HTMLCheckResult": members(
        Name="text", Platform="text", Family="text", Version="text", Support="text", NoteNumber="text"
    ),
    "HTMLCheckScore": members(Found="int", Supported="float", Partial="float", Unsupported="float"),
    "HTMLCheckTotal": members(Tests="int", Nodes="int", Supported="float", Partial="float", Unsupported="float"),
    "HTMLCheckWarning": members(
        Slug="text",
        Title="text",
        Description="text",
        URL="text",
        Category="text",
        Tags="[text]",
        Keywords="text",
        Results="[HTMLCheckResult]",
        NotesByNumber="{text}",
        Score="HTMLCheckScore",
    ),
    "JSONErrorMessage": members(Error="text"),
    "Link": members(URL="text", StatusCode="int", Status="text"),
    "LinkCheckResponse": members(Errors="int", Links="[Link]"),
    "ListUnsubscribe": members(Header="text", Links="[text]", Errors="text", HeaderPost="text"),
    "Message": members(
        **_ROW,
        ReturnPath="text",
        ListUnsubscribe="ListUnsubscribe",
        Date="time",
        Text="text",
        HTML="text",
        Inline="[Attachment]",
        Attachments="[Attachment]",
    ),
    "MessageHeadersResponse": schema("{[text]}"),
    "MessageRelay": members(
        Enabled="flag",
        SMTPServer="text",
        ReturnPath="text",
        AllowedRecipients="text",
        BlockedRecipients="text",
        OverrideFrom="text",
        PreserveMessageIDs="flag",
        RecipientAllowlist="text",
    ),
    "MessageSummary": members(**_ROW, Read="flag", Created="time", Attachments="int", Snippet="text"),
    "MessagesSummary": members(
        total="count",
        unread="count",
        count="count",
        messages_count="count",
        messages_unread="count",
        start="int",
        tags="[text]",
        messages="[MessageSummary]",
    ),
    "ReleaseRequest": members(("To",), To="[text]"),
    "RenameTagRequest": members(("Name",), Name="text"),
    "Rule": members(Score="double", Name="text", Description="text"),
    "RuntimeStats": members(
        Uptime="count",
        Memory="count",
        MessagesDeleted="count",
        SMTPAccepted="count",
        SMTPAcceptedSize="count",
        SMTPRejected="count",
        SMTPIgnored="count",
    ),
    "SendAttachment": members(
        ("Content", "Filename"), Content="text", Filename="text", ContentType="text", ContentID="text"
    ),
    "SendMessageConfirmation": members(ID="text"),
    "SendRequest": members(
        ("From",),
        Subject="text",
        Text="text",
        HTML="text",
        Bcc="[text]",
        Tags="[text]",
        Headers="{text}",
        Attachments="[SendAttachment]",
    ),
    "SetReadStatusRequest": members(Read="flag", IDs="[text]", Search="text"),
    "SetTagsRequest": members(("Tags", "IDs"), Tags="[text]", IDs="[text]"),
    "SpamAssassinResponse": members(IsSpam="flag", Error="text", Score="double", Rules="[Rule]"),
    "WebUIConfiguration": members(
        Label="text",
        MessageRelay="MessageRelay",
        SpamAssassin="flag",
        ChaosEnabled="flag",
        DuplicatesIgnored="flag",
        HideDeleteAllButton="flag",
    ),
}
DEFINITIONS["SendRequest"]["properties"] |= {
    "From": _PERSON,
    **{name: {"type": "array", "items": _PERSON} for name in ("To", "Cc", "ReplyTo")},
}
