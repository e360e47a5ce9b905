import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../src/base/types.ts";
import { addresses, answer } from "../src/mail/letter.ts";
import { hasRemote } from "../src/mail/remote.ts";
import * as selecting from "../src/mail/selection.ts";
import { hasTerm, suggestions, term, terms, toggled } from "../src/mail/terms.ts";
import { threadQuery } from "../src/mail/threading.ts";
import { read } from "../src/dns/records.ts";
import { SNIPPETS } from "../src/connect/snippets.ts";

const KNOWN = { tags: ["orders", "my tag"], accounts: ["bob@beta.test"], mailboxes: ["INBOX", "Work"], people: ["ann@alpha.test"] };
const offered = (query: string, caret = query.length) => suggestions(query, caret, KNOWN, "2026-11-26");

test("a query is cut at spaces outside quotes", () => {
  assert.deepEqual(terms('from:ann "a phrase" -tag:"my tag" /a b/ x'), ["from:ann", '"a phrase"', '-tag:"my tag"', "/a b/", "x"]);
  assert.deepEqual(terms(""), []);
});

test("a term replaces others of its keyword, and goes when it is there", () => {
  assert.equal(toggled("hello is:read", "is:unread"), "hello is:unread");
  assert.equal(toggled("hello IS:Unread", "is:unread"), "hello");
  assert.equal(toggled("", "tag:orders"), "tag:orders");
  assert.equal(term("tag", "my tag"), 'tag:"my tag"');
  assert.equal(term("tag", "orders"), "tag:orders");
  assert.ok(hasTerm("a STATE:failed", "state:failed"));
});

test("keywords are suggested, then their values", () => {
  assert.ok(offered("").some(({ text }) => text === "from:"));
  assert.deepEqual(offered("sub").map(({ query, caret }) => [query, caret]), [["subject:", 8]]);
  assert.deepEqual(offered("x is:un").map(({ query }) => query), ["x is:unread "]);
  assert.deepEqual(offered("-is:rea").map(({ query }) => query), ["-is:unread ", "-is:read "].filter((one) => offered("-is:rea").some(({ query }) => query === one)));
  assert.deepEqual(offered("tag:my").map(({ query }) => query), ['tag:"my tag" ']);
  assert.deepEqual(offered("rcpt:").map(({ text }) => text), ["rcpt:ann@alpha.test", "rcpt:bob@beta.test"]);
  assert.deepEqual(offered("mailbox:w").map(({ text }) => text), ["mailbox:Work"]);
  assert.deepEqual(offered("after:").map(({ text }) => text), ["after:2026-11-26"]);
  assert.deepEqual(offered("nothing:x"), []);
  assert.deepEqual(offered("hello "), []);
});

test("what stands behind the caret stays", () => {
  const [first] = suggestions("is:un subject:x", 5, KNOWN, "");
  assert.equal(first?.query, "is:unread subject:x");
  assert.equal(first?.caret, 10);
});

test("selecting: one, a range, all, and those that are gone", () => {
  const one = (number: number) => ({ number, id: `m${number}` });
  let selection = selecting.toggle(selecting.NOTHING, one(5));
  assert.ok(selecting.isSelected(selection, 5));
  selection = selecting.extend(selection, [one(5), one(6), one(7)]);
  assert.equal(selecting.size(selection, 100), 3);
  assert.equal(selection.from, 5);
  selection = selecting.without(selection, [6, 99]);
  assert.deepEqual([...selection.some.keys()], [5, 7]);
  assert.equal(selecting.without(selection, [1]), selection);
  assert.equal(selecting.size(selecting.toggle(selection, one(5)), 100), 1);
  const all = selecting.everything();
  assert.equal(selecting.size(all, 100), 100);
  assert.ok(selecting.isSelected(all, 1));
  assert.deepEqual([...selecting.toggle(all, one(1)).some.keys()], [1]);
  assert.equal(selecting.extend(selecting.NOTHING, []).from, null);
});

const MESSAGE = {
  message_id: "<2@beta.test>",
  subject: "Re: Bridge",
  sender: "bob@beta.test",
  arrived: "2026-11-26T12:00:00Z",
  date: null,
  from: [{ name: "Bob", address: "bob@beta.test" }],
  to: [{ name: "", address: "alice@alpha.test" }, { name: "", address: "carol@alpha.test" }],
  cc: [],
  reply_to: [],
  recipients: [{ address: "alice@alpha.test" }],
  content: { text: "Yes.\n> Really?\n", headers: [{ name: "References", value: "<1@alpha.test>" }, { name: "In-Reply-To", value: "<1@alpha.test>" }] },
} as unknown as Message;

test("an answer goes to who wrote, from who got it, in the thread", () => {
  const letter = answer(MESSAGE, { toAll: true });
  assert.deepEqual([letter.from, letter.to, letter.cc, letter.subject], ["alice@alpha.test", "Bob <bob@beta.test>", "carol@alpha.test", "Re: Bridge"]);
  assert.deepEqual(letter.headers, { "In-Reply-To": "<2@beta.test>", References: "<1@alpha.test> <2@beta.test>" });
  assert.match(letter.text ?? "", /wrote on .*:\n> Yes\.\n>> Really\?$/);
  const plain = answer({ ...MESSAGE, subject: null, message_id: null, from: [], content: null } as unknown as Message);
  assert.deepEqual([plain.to, plain.cc, plain.subject, plain.headers], ["bob@beta.test", undefined, "Re: ", {}]);
});

test("addresses are parted by commas, but not by those in quotes", () => {
  assert.deepEqual(addresses('"Doe, Ann" <a@b.test>, c@d.test;, e@f.test'), ['"Doe, Ann" <a@b.test>', "c@d.test", "e@f.test"]);
});

test("a conversation is found by its identifiers", () => {
  const query = threadQuery(MESSAGE) ?? "";
  assert.match(query, /message-id:"1@alpha.test"/);
  assert.match(query, /header:references="<2@beta.test>"/);
  assert.ok(query.split(" or ").length <= 64);
  assert.equal(threadQuery({ message_id: null, content: null }), null);
});

test("remote content is noticed, links are none", () => {
  for (const html of ['<img src="https://x.test/a">', "<IMG SRC = //x>", "<p style='background:url(http://x)'>", '<style>@import "http://x"</style>', '<link rel=stylesheet href="http://x">', '<svg><image href="https://x"/></svg>', '<img srcset="https://x 2x">'])
    assert.ok(hasRemote(html), html);
  for (const html of ['<a href="https://x.test">x</a>', '<img src="data:image/png;base64,AA">', "https://x.test"]) assert.ok(!hasRemote(html), html);
});

test("looking for remote content takes no time, whatever is looked through", () => {
  const begin = Date.now();
  for (const piece of ["<link ", "url( ", "src = ", "<image href", "<"]) hasRemote(piece.repeat(400_000 / piece.length));
  assert.ok(Date.now() - begin < 3000);
});

test("records are cut into their fields", () => {
  assert.deepEqual({ ...read("beta.test. 300 IN MX 10 mx.test.") }, { line: "beta.test. 300 IN MX 10 mx.test.", name: "beta.test.", ttl: "300", type: "MX", data: "10 mx.test." });
  assert.equal(read("x").name, "x");
});

test("snippets have the host and the port", () => {
  for (const { name, code } of SNIPPETS) {
    const text = code({ app: { host: "mail.here", port: 2025 }, imap: { host: "mail.here", port: 2143 }, submission: { host: "mail.here", port: 2587 } }, "bob@beta.test");
    assert.match(text, /mail\.here/, name);
    assert.match(text, /2025|2143/, name);
  }
});
