import assert from "node:assert/strict";
import { test } from "node:test";
import type { Summary } from "../src/base/types.ts";
import { CHUNK, Listing } from "../src/mail/listing.ts";

const message = (number: number, read = true): Summary => ({ number, id: `m${number}`, read }) as Summary;
/** Messages from the newest: their numbers are ten times their place. */
const newest = (high: number, low: number): Summary[] => Array.from({ length: high - low + 1 }, (_, index) => message((high - index) * 10));

function listed(total: number, first = Math.min(total, CHUNK)): Listing {
  const listing = new Listing();
  listing.reset(total, 0, newest(total - 1, total - first));
  return listing;
}

test("rows are counted from the newest", () => {
  const listing = listed(5);
  assert.equal(listing.rows, 5);
  assert.equal(listing.at(0)?.number, 40);
  assert.equal(listing.at(4)?.number, 0);
  assert.equal(listing.rowOf(30), 1);
  assert.equal(listing.rowOf(31), -1);
  assert.equal(listing.find("m20")?.number, 20);
  assert.equal(listing.find("none"), undefined);
});

test("what arrives is the first row, and what was asked for before still fits", () => {
  const listing = listed(1000);
  const [wanted] = listing.wanted(500, 510);
  assert.ok(wanted);
  assert.equal(wanted.limit, CHUNK);
  assert.equal(listing.arrive(message(10_000, false)), "added");
  assert.deepEqual([listing.rows, listing.unread, listing.at(0)?.number], [1001, 1, 10_000]);
  const end = wanted.chunk * CHUNK + wanted.limit;
  assert.equal(1000 - wanted.offset, end);
  listing.put(wanted, newest(end - 1, end - wanted.limit));
  assert.equal(listing.at(1001 - 1 - (end - 1))?.number, (end - 1) * 10);
  assert.equal(listing.wanted(505, 506).length, 0);
});

test("only what is lacking is asked for", () => {
  const listing = listed(250);
  assert.deepEqual(listing.wanted(0, 20), []);
  const wanted = listing.wanted(90, 249);
  assert.deepEqual(wanted.map(({ chunk, offset, limit }) => [chunk, offset, limit]), [[0, 150, 100], [1, 50, 100]]);
  assert.deepEqual(new Listing().wanted(0, 10), []);
});

test("a message that is known is no arrival, and one that may be counted already is not counted again", () => {
  const listing = listed(3);
  assert.equal(listing.arrive(message(20, false)), "updated");
  assert.equal(listing.unread, 1);
  assert.equal(listing.arrive(message(15)), "unsure");
  assert.equal(listing.rows, 3);
  assert.equal(listing.update(message(99)), false);
});

test("those that are gone leave no gap, whether they were loaded or not", () => {
  const listing = listed(300);
  const before = listing.epoch;
  listing.remove([2950, 15, 99_999]);
  assert.equal(listing.rows, 298);
  assert.notEqual(listing.epoch, before);
  assert.equal(listing.at(0)?.number, 2990);
  assert.equal(listing.at(3)?.number, 2960);
  assert.equal(listing.at(4)?.number, 2940);
  listing.remove([]);
  assert.equal(listing.rows, 298);
});

test("unread ones that are gone are no longer counted", () => {
  const listing = new Listing();
  listing.reset(2, 1, [message(20, false), message(10)]);
  listing.remove([20]);
  assert.deepEqual([listing.unread, listing.rows], [0, 1]);
});

test("what is hidden has no row, and may come back", () => {
  const listing = listed(10);
  listing.hide([90, 70], true);
  assert.deepEqual([0, 1, 2].map((row) => listing.at(row)?.number), [80, 60, 50]);
  assert.deepEqual([listing.rows, listing.rowOf(90), listing.rowOf(80), listing.rowOf(60)], [8, -1, 0, 1]);
  listing.arrive(message(100));
  assert.deepEqual([0, 1].map((row) => listing.at(row)?.number), [100, 80]);
  listing.hide([70, 12345], false);
  assert.deepEqual([1, 2].map((row) => listing.at(row)?.number), [80, 70]);
  listing.remove([90]);
  assert.deepEqual([listing.rows, listing.at(1)?.number, listing.at(2)?.number], [10, 80, 70]);
});

test("hidden ones stay hidden when older ones go", () => {
  const listing = listed(10);
  listing.hide([50], true);
  listing.remove([20]);
  assert.equal(listing.rows, 8);
  assert.equal(listing.rowOf(50), -1);
  assert.equal(listing.at(4)?.number, 40);
});

test("memory is bounded, whatever arrives", () => {
  const listing = listed(100);
  for (let number = 100; number < 10_100; number += 1) {
    listing.arrive(message(number * 10));
    listing.trim(0, 40);
  }
  assert.equal(listing.rows, 10_100);
  assert.ok(listing.size <= 3001, String(listing.size));
  assert.equal(listing.at(0)?.number, 100_990);
  assert.equal([...listing.loaded()].length, listing.size);
});
