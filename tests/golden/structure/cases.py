"""Messages for the structure tests, each for one thing worth knowing; `regenerate.py` asks Dovecot about them."""

MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
ATTACHED = MULTIPART + b"--b\r\nContent-Type: message/rfc822\r\n\r\n%b\r\n--b--\r\n"

CASES = {
    "no empty line": b"hello\r\n",
    "plain": b"Subject: hi\r\n\r\nbody\r\n",
    "empty body": b"Subject: hi\r\n\r\n",
    "no final newline": b"Subject: hi\r\n\r\none\r\ntwo",
    "header only": b"Subject: x\r\nFrom: a@b",
    "bare line feeds": b"Subject: lf\nFrom: a@b\nContent-Type: text/html\n\nx\ny\n",
    "space before colon": b"Subject : space\r\nFrom : a@b\r\nTo: x@y\r\n\r\nx",
    "line that is no field": b"Subject: x\r\nnot a header\r\nFrom: a@b\r\n\r\nz",
    "addresses": b'From: A B <a@b.c>, x@y (Comment here), "Q \\"q" <z@w>\r\nTo: grp: a@b, c@d;, undisclosed:;\r\n\r\nb',
    "route": b"Cc: <@route,@r2:u@d>\r\n\r\n",
    "broken address": b"Bcc: broken <a@\r\nReply-To:\r\nSender: foo\r\n\r\n",
    "no addresses": b"From: \r\nTo: ;\r\nCc: a b c\r\nBcc: <>\r\nReply-To: (only comment)\r\n\r\n",
    "quoted words": b'Sender: "x" "y" z\r\n\r\n',
    "half addresses": b"From: a.b.c\r\nTo: @x\r\nCc: a@\r\nBcc: a@b@c\r\nSender: x <y> <z@w>\r\n\r\n",
    "open group": b"Reply-To: foo: bar\r\n\r\n",
    "quoted local-part": b'To: "a"@b, "a b"@c\r\n\r\n',
    "spaces in addr-spec": b"From: x y@z\r\nTo: a . b @ c . d\r\n\r\n",
    "domain literal": b"Cc: x@[1.2.3.4]\r\n\r\n",
    "empty list elements": b"Bcc: a@b,,b@c,\r\n\r\n",
    "phrase with dots": b"From: ab.c d. <a@b>\r\n\r\n",
    "encoded-word": b"Subject: =?utf-8?q?x?=\r\nFrom: =?utf-8?q?abc?= <a@b>\r\n\r\n",
    "8-bit": b"Subject: caf\xc3\xa9\r\nFrom: caf\xc3\xa9 <a@b>\r\n\r\n",
    "quotes in subject": b'Subject: a"b\\c""\r\n\r\n',
    "repeated fields": b"From: a@b\r\nFrom: c@d\r\nSubject: 1\r\nSubject: 2\r\nDate: 1\r\nDate: 2\r\n\r\nx",
    "repeated content-type": b"Content-Type: text/html\r\nContent-Type: text/x\r\n\r\nx",
    "repeated disposition": b"Content-Type: image/x\r\nContent-Disposition: inline\r\n"
    b"Content-Disposition: attachment; filename=a\r\n\r\nx",
    "repeated disposition, file first": b"Content-Type: image/x\r\nContent-Disposition: attachment; filename=a\r\n"
    b"Content-Disposition: inline\r\n\r\nx",
    "repeated mime fields": b"Content-Type: image/x\r\nContent-ID: <a>\r\nContent-ID: <b>\r\nContent-MD5: a\r\n"
    b"Content-MD5: b\r\nContent-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 8bit\r\n"
    b"Content-Language: en\r\nContent-Language: de\r\nContent-Location: a\r\nContent-Location: b\r\n"
    b"Content-Description: a\r\nContent-Description: b\r\n\r\nx",
    "type without semicolon": b'Content-Type: application/pdf name="a.pdf"\r\n\r\nx',
    "type with a comma": b"Content-Type: text/plain, charset=utf-8\r\n\r\nx",
    "type, semicolon later": b"Content-Type: text/html charset=utf-8; x=y\r\n\r\nx",
    "type in angle brackets": MULTIPART + b"--b\r\nContent-Type: <html>\r\n\r\nx\r\n--b--\r\n",
    "bare type as parameter": b"Content-Type: text/calendar; method=text/calendar\r\n\r\nx",
    "quote that is not closed": b'Content-Type: text/html; charset="UTF-8\r\nMIME-Version: 1.0\r\n\r\nx',
    "description with spaces behind": b"Content-Type: image/x\r\nContent-Description: a  \r\n\r\nx",
    "field name with a fold": b"From\r\n : a@b\r\nFrom: c@d\r\n\r\nx",
    "delimiter at the end": MULTIPART + b"--b\r\n\r\nx\r\n--b\r\n",
    "delimiter that ends the message": MULTIPART + b"--b\r\n\r\nx\r\n--b",
    "delimiter alone": MULTIPART + b"--b",
    "delimiter before the close": MULTIPART + b"--b\r\n\r\nx\r\n--b\r\n--b--\r\n",
    "inner delimiter before the outer": MULTIPART + b"--b\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
    b"--y\r\n\r\na\r\n--y\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "folded date": b"Date: Mon, 1 Jan\r\n 2024 00:00:00\t+0000\r\nMessage-ID: <a@b>\r\n (c)\r\nIn-Reply-To: <x>\r\n\r\n",  # noqa: E501
    "folded with tab": b"Subject: folded\r\n\t sub  ject \r\n\r\n",
    "all mime fields": b"Content-Type: TEXT/Plain; CharSet=UTF-8; format=flowed\r\n"
    b"Content-Transfer-Encoding: QUOTED-PRINTABLE (c)\r\nContent-Id: <x@y>\r\nContent-Description: A  long\r\n desc\r\n"
    b'Content-Disposition: Attachment; filename="a b"\r\nContent-Language: en, de\r\nContent-Location: http://x/\r\n y\r\n'  # noqa: E501
    b"Content-MD5: abc==\r\n\r\nx\r\ny",
    "continued parameters": b"Content-Type: text/plain; charset=utf-8; x*0=a; x*1*=b%20\r\n\r\nx",
    "comments in content-type": b'Content-Type: text/plain; charset="a\r\n b"; (c) n (d) = (e) v (f)\r\n\r\nx',
    "parameter without value": b"Content-Type: text/plain; charset\r\n\r\nx",
    "parameter with empty value": b"Content-Type: text/plain; charset=\r\n\r\nx",
    "parameter with space": b"Content-Type: text/plain; charset=a b; c=d\r\n\r\nx",
    "type without subtype": b"Content-Type: garbage\r\n\r\nx",
    "type with empty subtype": b"Content-Type: text/\r\n\r\nx",
    "octet-stream": b"Content-Type: application/octet-stream\r\n\r\nx",
    "delivery-status": b"Content-Type: message/delivery-status\r\n\r\nx",
    "content-id without a type": b"Content-ID: <1@x>\r\n\r\nx",
    "multipart": MULTIPART
    + b"pre\r\n--b\r\n\r\nfirst\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>\r\nx\r\n\r\n--b--\r\nepi\r\n",
    "multipart without parts": MULTIPART + b"no parts",
    "multipart without boundary": b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    "multipart not closed": MULTIPART + b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n",
    "boundary with more behind": MULTIPART + b"--bc\r\n\r\none\r\n--b--x\r\n\r\ntwo\r\n",
    "boundaries and nothing else": MULTIPART + b"--b\r\n--b\r\n--b--",
    "part header not ended": MULTIPART + b"--b\r\nContent-Type: text/html\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--",
    "boundary begins the outer": b"Content-Type: multipart/mixed; boundary=foo\r\n\r\n--foo\r\n"
    b"Content-Type: multipart/mixed; boundary=foobar\r\n\r\n--foobar\r\n\r\na\r\n--foobar--\r\n\r\n--foo\r\n\r\nb\r\n--foo--\r\n",  # noqa: E501
    "same boundary inside": MULTIPART + b"--b\r\n" + MULTIPART + b"--b\r\n\r\na\r\n--b--\r\n--b\r\n\r\nc\r\n--b--",
    "outer boundary ends inner": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\na\r\n--a\r\n\r\nc\r\n--a--",
    "digest": b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: in\r\n\r\ntext\r\n--b\r\n"
    b"Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n",
    "message in message": b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n"
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\nz\r\n--q--\r\n",
    "attached message": ATTACHED % b"Subject: in\r\n\r\ntt",
    "attached message without body": ATTACHED % b"Subject: in",
    "attached message, empty": ATTACHED % b"",
    "attached multipart, closed": ATTACHED % (MULTIPART.replace(b"=b", b"=c") + b"--c\r\n\r\nz\r\n--c--"),
    "attached multipart, open": ATTACHED % (MULTIPART.replace(b"=b", b"=c") + b"--c\r\n\r\nz"),
    "extended boundary": b"Content-Type: multipart/mixed; boundary*=us-ascii''b%20c\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n",  # noqa: E501
}
