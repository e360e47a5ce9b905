// The client `mailpit-api`, unchanged, against a running Postroad: node mailpit-api.mjs <URL> <user> <password>
import assert from "node:assert/strict";
import { MailpitClient } from "mailpit-api";

const [url, username, password] = process.argv.slice(2);
const mailpit = new MailpitClient(url, { auth: { username, password } });
const unique = `mailpit-api-${process.pid}`;

const info = await mailpit.getInfo();
assert.match(info.Version, /^v?\d+\.\d+/);
assert.equal((await mailpit.getConfiguration()).SpamAssassin, false);
assert.equal(await mailpit.deleteMessages(), "ok");
assert.equal((await mailpit.listMessages()).total, 0);
await assert.rejects(mailpit.getMessageSummary(), /404/);
await assert.rejects(mailpit.waitForMessage({ query: unique }, { timeout: 30, interval: 10 }), /Timeout/);

// A red dot of one pixel
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const { ID } = await mailpit.sendMessage({
  From: { Email: "shop@alpha.test", Name: "Shöp" },
  To: [{ Email: "bob@beta.test", Name: "Bob" }, { Email: "customer@outside.example" }],
  Cc: [{ Email: "dave@beta.test" }],
  Bcc: ["carol@alpha.test"],
  ReplyTo: [{ Email: "help@alpha.test" }],
  Subject: `Order ${unique}`,
  Text: "Your code is 271828.",
  HTML: '<table style="display: flex"><tr>\n  <td><a href="http://127.0.0.1/">order</a><img src="cid:dot"></td></tr></table>',
  Tags: ["order", "Shop"],
  Headers: { "X-Shop": "alpha" },
  Attachments: [
    { Content: btoa("%PDF-1.7"), Filename: "invoice.pdf", ContentType: "application/pdf" },
    { Content: `data:image/png;base64,${pixel}`, Filename: "dot.png", ContentType: "image/png", ContentID: "dot" },
  ],
});
assert.match(ID, /^[0-9A-Za-z]+$/);

// What was sent is in the very next list, whichever way it is asked for.
const page = await mailpit.listMessages();
assert.deepEqual(page.messages.map((row) => row.ID), [ID]);
assert.deepEqual([page.total, page.unread, page.messages_count, page.messages_unread], [1, 1, 1, 1]);
assert.deepEqual(page.tags, ["order", "Shop"]);
const [row] = page.messages;
assert.deepEqual(row.From, { Name: "Shöp", Address: "shop@alpha.test" });
assert.deepEqual(row.Bcc.map((address) => address.Address), ["carol@alpha.test"]);
assert.equal(row.Username, username);
assert.deepEqual([row.Attachments, row.Read, row.Subject], [1, false, `Order ${unique}`]);
for (const query of [`subject:"${unique}"`, "to:customer@outside.example", "tag:shop", "271828", "has:attachment", "is:unread"]) {
  assert.equal((await mailpit.searchMessages({ query })).messages_count, 1, query);
}
assert.equal((await mailpit.searchMessages({ query: "subject:nothing" })).messages_count, 0);
await assert.rejects(mailpit.searchMessages({ query: "" }), /400.*no search query/);

// One message, in all its forms. Tests of the client compare the members.
const message = await mailpit.waitForMessage({ query: unique });
assert.equal(message.ID, ID);
assert.deepEqual(Object.keys(message).sort(), [
  "Attachments", "Bcc", "Cc", "Date", "From", "HTML", "ID", "Inline", "ListUnsubscribe", "MessageID", "ReplyTo",
  "ReturnPath", "Size", "Subject", "Tags", "Text", "To", "Username",
]);
assert.equal(message.Text, "Your code is 271828.");
assert.ok(message.HTML.includes('<table style="display: flex"><tr>\n  <td>'));
assert.deepEqual(message.Attachments.map((part) => part.FileName), ["invoice.pdf"]);
assert.deepEqual(message.Inline.map((part) => part.ContentID), ["dot"]);
assert.ok(Math.abs(new Date(message.Date) - new Date(row.Created)) < 60_000);
assert.equal((await mailpit.listMessages()).unread, 0);
const headers = await mailpit.getMessageHeaders();
assert.deepEqual([headers["X-Shop"], headers["Return-Path"]], [["alpha"], ["<shop@alpha.test>"]]);
assert.deepEqual(Object.keys(headers).sort(), [
  "Bcc", "Cc", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Return-Path", "Subject", "To",
  "X-Shop", "X-Tags",
]);
assert.match(await mailpit.getMessageSource(ID), /^Bcc: carol@alpha\.test\r\nReturn-Path: <shop@alpha\.test>\r\n/);
const file = await mailpit.getMessageAttachment(ID, message.Attachments[0].PartID);
assert.deepEqual([file.type, await file.text()], ["application/pdf", "%PDF-1.7"]);
const thumbnail = await mailpit.getAttachmentThumbnail(ID, message.Inline[0].PartID);
assert.equal(thumbnail.type, "image/jpeg");
assert.ok((await mailpit.renderMessageHTML(ID)).includes(`/api/v1/message/${ID}/part/${message.Inline[0].PartID}`));
assert.match(await mailpit.renderMessageHTML("latest", 1), /<!DOCTYPE html>.*target="_blank"/s);
assert.equal(await mailpit.renderMessageText(), "Your code is 271828.");

// Checks
const html = await mailpit.htmlCheck(ID);
assert.ok(html.Warnings.some((warning) => warning.Slug === "css-display-flex"));
assert.deepEqual((await mailpit.linkCheck(ID)).Links.map((link) => [link.URL, link.StatusCode]), [["http://127.0.0.1/", 451]]);
await assert.rejects(mailpit.spamAssassinCheck(ID), /404/);
await assert.rejects(mailpit.releaseMessage(ID, { To: ["a@b.test"] }), /400/);

// Tags, read marks
await mailpit.setTags({ IDs: [ID], Tags: ["new"] });
await mailpit.renameTag("new", "newer");
assert.deepEqual(await mailpit.getTags(), ["newer"]);
await mailpit.deleteTag("newer");
assert.deepEqual(await mailpit.getTags(), []);
await mailpit.setReadStatus({ Search: unique, Read: false });
assert.equal((await mailpit.listMessages()).unread, 1);
await mailpit.setReadStatus({ Read: true });
assert.equal((await mailpit.listMessages()).unread, 0);

// Faults at the doors for mail; they spare what is sent by HTTP
const chaos = await mailpit.setChaosTriggers({ Sender: { ErrorCode: 451, Probability: 100 } });
assert.deepEqual(chaos.Sender, { ErrorCode: 451, Probability: 100 });
assert.deepEqual(await mailpit.getChaosTriggers(), chaos);
const spared = await mailpit.sendMessage({ From: { Email: "shop@alpha.test" }, To: [{ Email: "bob@beta.test" }] });
await mailpit.deleteMessages({ IDs: [spared.ID] });
await assert.rejects(mailpit.setChaosTriggers({ Sender: { ErrorCode: 200, Probability: 1 } }), /error code must be between/);
assert.equal((await mailpit.setChaosTriggers()).Sender.Probability, 0);

// Errors of sending
const from = { Email: "shop@alpha.test" };
await assert.rejects(mailpit.sendMessage({ From: from, To: [{ Email: "nobody" }] }), /"Error":"invalid To address: nobody"/);

// Deleting
const second = await mailpit.sendMessage({
  From: from, To: [{ Email: "bob@beta.test" }], Subject: `second ${unique}`, Text: "Two\nlines",
});
assert.equal((await mailpit.getMessageSummary(second.ID)).Text, "Two\nlines");
assert.equal(await mailpit.deleteMessagesBySearch({ query: "subject:second" }), "ok");
assert.deepEqual((await mailpit.listMessages()).messages.map((one) => one.ID), [ID]);
assert.equal(await mailpit.deleteMessages({ IDs: [ID] }), "ok");
assert.equal((await mailpit.listMessages()).total, 0);
console.log("ok");
