// Somebody signs up, and gets a code: npm install nodemailer && node --test
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import nodemailer from "nodemailer";

const transport = nodemailer.createTransport({
  host: process.env.MAIL_HOST ?? "localhost",
  port: Number(process.env.MAIL_PORT ?? 1025),
});
const postroad = process.env.POSTROAD_URL ?? "http://localhost:8025";

// Returns the message that meets the criteria; the answer comes when it has arrived.
async function waitFor(criteria) {
  const answer = await fetch(`${postroad}/v1/wait`, { method: "POST", body: JSON.stringify(criteria) });
  const found = await answer.json();
  assert.equal(answer.status, 200, found.detail);
  return found.messages[0];
}

// Stands for the code under test.
function signUp(address) {
  return transport.sendMail({
    from: "Shop <noreply@shop.example>",
    to: address,
    subject: "Welcome",
    text: "Your code is 493817.",
  });
}

test("the mail has a code", async () => {
  const address = `${randomUUID()}@customer.example`;
  await signUp(address);
  const message = await waitFor({ recipient: address });
  assert.equal(message.subject, "Welcome");
  assert.equal(message.content.codes[0].value, "493817");
});
