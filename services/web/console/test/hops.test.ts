import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, tellsOf, type Hop } from "../src/mail/hops.ts";

const hop = (kind: string, more: Partial<Hop> = {}): Hop => ({
  kind, at: "", latency: null, service: null, peer: null, host: null, tls: null, reply: null, recipient: null, session: null, line: null, detail: {}, children: [], ...more,
});

test("each kind of hop has words", () => {
  const kinds = ["submission", "dns", "attempt", "delivered", "deferred", "failed", "expired", "delivery", "captured", "copy", "read", "removed", "report", "filtered", "held", "released", "dropped", "refused"];
  for (const kind of kinds) assert.notEqual(tellsOf(hop(kind)), kind);
  assert.equal(tellsOf(hop("something new")), "something new");
  assert.equal(tellsOf(hop("submission", { peer: "192.0.2.1" })), "Taken by the relay from 192.0.2.1");
  assert.equal(tellsOf(hop("delivery", { detail: { mailbox: "INBOX", account: "bob@beta.test" } })), "Delivered into INBOX of bob@beta.test");
  assert.equal(tellsOf(hop("dns", { detail: { question: "beta.test. IN MX" } })), "beta.test MX");
  assert.equal(tellsOf(hop("dns", { detail: { domain: "beta.test" } })), "Who takes mail for beta.test?");
});

test("an answer is good, bad, or to be waited for", () => {
  const state = (one: Hop) => answerOf(one).state;
  assert.equal(state(hop("attempt", { reply: "250 2.0.0 OK" })), "good");
  assert.equal(state(hop("attempt", { reply: "451 4.3.0 later" })), "wait");
  assert.equal(state(hop("attempt", { detail: { reason: "host mx said: 550 5.1.1 no" } })), "bad");
  assert.equal(state(hop("deferred")), "wait");
  assert.equal(state(hop("report")), "bad");
  assert.equal(state(hop("delivery")), "good");
  assert.equal(state(hop("dns")), "");
  assert.deepEqual(answerOf(hop("dns", { detail: { mx: ["10 mx.test"], answer: ["NOERROR"] } })).texts, ["10 mx.test", "NOERROR"]);
});
