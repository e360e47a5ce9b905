import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces, plain, suspicion } from "../src/base/careful.ts";
import { age, ago, called, clock, count, duration, moment, people, size, written } from "../src/base/format.ts";
import { formatRoute, parseRoute, worldOfHost } from "../src/base/route.ts";

test("a route is what its URL says, both ways", () => {
  for (const url of ["/", "/mail/0006F", "/mail/0006F/headers?q=is%3Aunread", "/w/checkout/", "/w/checkout/queue", "/?world=*", "/dns/zone/beta.test.", "/sessions/s1#L12", "/mailboxes/bob%40beta.test/A%2FB/7"]) {
    const [path = "", hash = ""] = url.split("#");
    const [pathname = "", search = ""] = path.split("?");
    assert.equal(formatRoute(parseRoute(pathname, search, hash)).replaceAll("%2A", "*"), url);
  }
});

test("what is unknown leads to the mail", () => {
  assert.equal(parseRoute("/nothing/x").view, "mail");
  assert.deepEqual(parseRoute("/nothing/x").path, []);
  assert.deepEqual(parseRoute("/mail/%E0%A4%A").path, ["%E0%A4%A"]);
  assert.equal(parseRoute("/queue", "?world=w1").world, "w1");
  assert.equal(formatRoute({ query: { q: "" } }), "/");
});

test("a host may name the world that is meant", () => {
  assert.equal(worldOfHost("checkout.localhost"), "checkout");
  assert.equal(worldOfHost("localhost"), "default");
  assert.equal(worldOfHost("127.0.0.1"), "default");
  assert.equal(parseRoute("/queue", "", "", "checkout").world, "checkout");
  assert.equal(formatRoute({ world: "checkout", view: "queue" }, "checkout"), "/queue");
});

test("sizes", () => {
  assert.deepEqual([0, 999, 1000, 1536, 10_000, 999_400, 999_600, 5e9].map((octets) => size(octets, "en")), ["0 B", "999 B", "1 kB", "1.5 kB", "10 kB", "999 kB", "1 MB", "5 GB"]);
});

test("ages", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  const of = (then: string) => age(then, now, "en-GB", "UTC");
  assert.deepEqual(
    ["2026-11-26T12:00:01Z", "2026-11-26T11:59:20Z", "2026-11-26T11:20:00Z", "2026-11-26T01:05:00Z", "2026-11-20T01:05:00Z", "2025-01-02T00:00:00Z"].map(of),
    ["now", "40 s", "40 min", "01:05", "20 Nov", "02/01/2025"],
  );
});

test("ages in a sentence", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  const of = (then: string) => ago(then, now, "en-GB", "UTC");
  assert.deepEqual(["2026-11-26T12:00:01Z", "2026-11-26T11:20:00Z", "2026-11-26T01:05:00Z", "2026-11-20T01:05:00Z"].map(of), ["just now", "40 min ago", "at 01:05", "on 20 Nov"]);
});

test("times are those of the zone and the language", () => {
  assert.match(moment("2026-11-26T12:00:00.000Z", "de", "Europe/Berlin"), /26\. Nov\. 2026.*13:00:00/);
  assert.equal(moment("never"), "never");
  assert.equal(clock("2026-11-26T12:00:00.250Z", "en", "UTC"), "12:00:00.250");
  assert.equal(clock(0, "en", "UTC"), "00:00:00.000");
});

test("durations", () => {
  assert.deepEqual([0.0004, 0.012, 1.54, 42, 200, 3600, 7500, 90_000].map(duration), ["0.4 ms", "12 ms", "1.5 s", "42 s", "3 min 20 s", "1 h", "2 h 5 min", "1 d 1 h"]);
});

test("people", () => {
  const ann = { name: "Ann", address: "ann@x.test" };
  const bob = { name: "", address: "bob@x.test" };
  assert.equal(called(bob), "bob@x.test");
  assert.equal(people([ann, bob, ann]), "Ann, bob@x.test +1");
  assert.deepEqual([ann, bob, { name: 'A "B", C', address: "c@x.test" }].map(written), ["Ann <ann@x.test>", "bob@x.test", '"A \\"B\\", C" <c@x.test>']);
  assert.deepEqual([count(1, "message", "en"), count(1200, "message", "en")], ["1 message", "1,200 messages"]);
});

test("what can't be seen is shown by its number", () => {
  assert.deepEqual(pieces("invoice\u202Efdp.exe"), [
    { text: "invoice", marked: false },
    { text: "U+202E", marked: true },
    { text: "fdp.exe", marked: false },
  ]);
  assert.equal(plain("a\u200Bb\u{E0041}"), "a⟨U+200B⟩b⟨U+E0041⟩");
  assert.deepEqual(pieces(""), [{ text: "", marked: false }]);
  assert.equal(plain("Дарья 👩‍👩‍👧"), "Дарья 👩‍👩‍👧");
});

test("odd addresses are pointed out", () => {
  assert.equal(suspicion("Ann", "ann@example.com"), null);
  assert.match(suspicion("", "ann@exаmple.com") ?? "", /mixes Latin and Cyrillic/);
  assert.match(suspicion("", "ann@пример.com") ?? "", /is in Cyrillic/);
  assert.match(suspicion("", "ann@xn--e1afmkfd.com") ?? "", /outside ASCII/);
  assert.match(suspicion("service@bank.example", "x@evil.example") ?? "", /another address/);
  assert.equal(suspicion("x@evil.example", "X@evil.example"), null);
});
