from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from postroad_web.catalog.record import Address
from postroad_web.catalog.tags import MOST
from postroad_web.mailpit.gojson import decode
from postroad_web.mailpit.outgoing import SendError, draft_of
from postroad_web.message.compose import Attachment, Draft

FROM = {"Email": "shop@alpha.test", "Name": "Shop"}
TO = [{"Email": "bob@beta.test"}]
PDF = base64.b64encode(b"%PDF-1.7").decode()


def draft(**members: Any) -> Draft:
    return draft_of(decode(json.dumps({"From": FROM, "To": TO, **members}).encode()))


def test_everything() -> None:
    asked = draft(
        To=[{"Email": " bob@beta.test ", "Name": "Bob"}, {"email": "eve@beta.test"}],
        Cc=[{"Email": "cc@beta.test"}],
        Bcc=["bcc@beta.test"],
        ReplyTo=[{"Email": "reply@alpha.test"}],
        Subject="Hi",
        Text="text",
        HTML="<p>html</p>",
        Tags=["one", " two ", ""],
        Headers={"X-IP": "1.2.3.4"},
        Attachments=[
            {"Content": PDF[:4] + "\n" + PDF[4:], "FileName": "a.pdf"},
            {"Content": f"data:image/png;base64,{PDF}", "Filename": "b", "ContentType": "image/png", "ContentID": "c"},
        ],
    )
    assert asked == Draft(
        from_=Address("Shop", "shop@alpha.test"),
        to=(Address("Bob", "bob@beta.test"), Address("", "eve@beta.test")),
        cc=(Address("", "cc@beta.test"),),
        bcc=(Address("", "bcc@beta.test"),),
        reply_to=(Address("", "reply@alpha.test"),),
        subject="Hi",
        text="text",
        html="<p>html</p>",
        attachments=(
            Attachment(content=b"%PDF-1.7", filename="a.pdf"),
            Attachment(content=b"%PDF-1.7", filename="b", content_type="image/png", content_id="c"),
        ),
        headers=(("X-IP", "1.2.3.4"), ("X-Tags", "one, two")),
    )


def test_the_last_line_end_of_the_only_part_is_doubled() -> None:
    assert draft(Text="a\n").text == "a\n\n"
    assert draft(HTML="a\r\n").html == "a\r\n\n"
    assert (draft(Text="a\n", HTML="b\n").text, draft(Text="a\n", HTML="b\n").html) == ("a\n", "b\n")
    assert draft(Text="a\n", Attachments=[{"Content": PDF, "Filename": "a.pdf"}]).text == "a\n"


def test_little() -> None:
    assert (draft().text, draft().html, draft().headers) == ("", None, ())
    assert (draft(HTML="x").text, draft(HTML="x").html) == (None, "x")


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"From": {"Email": "nobody"}}, "invalid From address: nobody"),
        ({"From": {}}, "error building message: from not set"),
        ({"Tags": ["a"], "Headers": {"x-tags": "b"}}, 'cannot overwrite header: "x-tags"'),
        ({"To": [{"Email": "a b"}]}, "invalid To address: a b"),
        ({"Cc": [{"Email": ""}]}, "invalid Cc address: "),
        ({"Bcc": ["x"]}, "invalid Bcc address: x"),
        ({"ReplyTo": [{"Name": "x"}]}, "invalid Reply-To address: "),
        ({"To": [{"Email": "a@b.test\r\nBcc: c@d.test"}]}, "invalid To address: a@b.test\r\nBcc: c@d.test"),
        *(
            ({"Headers": {name: "x"}}, f'cannot overwrite header: "{name}"')
            for name in ("to", "From", "CC", "Bcc", "Reply-To", "Date", "subject", "Content-Type", "MIME-Version")
        ),
        ({"Attachments": [{"Content": "?", "Filename": "x"}]}, 'error decoding base64 attachment "x": '),
        ({"Attachments": [{"ContentType": "text/plain"}]}, "attachment without name and content"),
        ({"Attachments": [{}]}, "attachment without name and content"),
        ({"To": []}, "error building message: no recipients (to, cc, bcc) set"),
        ({"Tags": ["x"] * (MOST + 1)}, "too many tags: at most 100"),
    ],
)
def test_faults(members: dict[str, Any], error: str) -> None:
    with pytest.raises(SendError) as refused:
        draft(**members)
    assert str(refused.value).startswith(error)


def test_a_file_has_a_name_or_a_content() -> None:
    files = draft(Attachments=[{"Filename": "empty"}, {"Content": PDF}]).attachments
    assert files == (Attachment(content=b"", filename="empty"), Attachment(content=b"%PDF-1.7"))


def test_so_many_tags_are_taken() -> None:
    tags = [f"t{number}" for number in range(MOST)]
    assert (draft(Tags=tags).headers[-1][1]).split(", ") == tags
