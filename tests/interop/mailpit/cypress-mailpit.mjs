// The commands of `cypress-mailpit`, unchanged, without Cypress: node cypress-mailpit.mjs <URL> <user> <password>
//
// Cypress needs a browser. Its commands only ask it for four things, which are small: `cy.request`, `cy.wrap`, `cy.env`
// and `cy.wait`, whose results are chained like promises.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const [url, user, password] = process.argv.slice(2);

async function request({ method, url: where, qs, body, auth }) {
  const target = new URL(where);
  for (const [name, value] of Object.entries(qs ?? {})) target.searchParams.set(name, value);
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (auth) headers.Authorization = `Basic ${btoa(`${auth.user}:${auth.pass}`)}`;
  const answer = await fetch(target, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  // As Cypress does: other statuses fail the test, and JSON is parsed.
  if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${text}`);
  const isJson = (answer.headers.get("content-type") ?? "").includes("json");
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

globalThis.cy = {
  request,
  env: async () => ({ MAILPIT_USERNAME: user, MAILPIT_PASSWORD: password }),
  wrap: async (value) => value,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
globalThis.Cypress = { expose: () => url, config: () => 5000 };

// The package's files are modules that Node takes for scripts.
const code = await readFile(new URL("node_modules/cypress-mailpit/dist/src/MailpitCommands.js", import.meta.url), "utf8");
const { MailpitCommands } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
const mailpit = new MailpitCommands();

await mailpit.mailpitDeleteAllEmails();
assert.equal((await mailpit.mailpitGetAllMails()).total, 0);
await mailpit.mailpitNotHasEmailsBySubject("Hello");

await mailpit.mailpitSendMail({ attachments: [{ Content: btoa("text"), FileName: "attached.txt" }] });
await mailpit.mailpitHasEmailsBySubject("Hello");
await mailpit.mailpitHasEmailsByTo("jane@example.com");
await mailpit.mailpitHasEmailsBySearch("has:attachment");
await mailpit.mailpitNotHasEmailsByTo("nobody@example.com");
assert.equal((await mailpit.mailpitGetEmailsBySubject("Hello Mailpit")).messages_count, 1);
assert.equal((await mailpit.mailpitGetEmailsByTo("jane@example.com", 0, 10)).messages.length, 1);
assert.equal((await mailpit.mailpitSearchEmails("from:from@example.com")).messages_count, 1);

const mail = await mailpit.mailpitGetMail();
assert.equal(await mailpit.mailpitGetSubject(mail), "Hello Mailpit");
assert.deepEqual(await mailpit.mailpitGetRecipientAddress(mail), ["jane@example.com"]);
assert.equal(await mailpit.mailpitGetFromAddress(mail), "from@example.com");
assert.deepEqual(await mailpit.mailpitGetAttachments(mail), ["attached.txt"]);
assert.match(await mailpit.mailpitGetMailHTMlBody(mail), /<p>hello from mailpit<\/p>/);
assert.equal(await mailpit.mailpitGetMailTextBody(mail), "hello from mailpit");
assert.equal((await mailpit.mailpitSearchEmails("Test")).messages_count, 0); // it is in many host names here
await assert.rejects(mailpit.mailpitGetMailSpamAssassinSummary(mail), /404/);

const unread = async () => (await mailpit.mailpitGetAllMails()).unread;
assert.equal(await unread(), 0);
await mailpit.mailpitSetStatusAsUnRead(mail);
assert.equal(await unread(), 1);
await mailpit.mailpitSetStatusAsRead([mail]);
assert.equal(await unread(), 0);
await mailpit.mailpitSetAllEmailStatusAsUnRead();
assert.equal(await unread(), 1);
await mailpit.mailpitSetAllEmailStatusAsRead();
assert.equal(await unread(), 0);

await mailpit.mailpitSendMail({ subject: "Other", to: [{ Email: "bob@beta.test", Name: "Bob" }] });
await mailpit.mailpitDeleteEmailsBySearch("subject:Hello");
assert.deepEqual((await mailpit.mailpitGetAllMails(0, 10)).messages.map((row) => row.Subject), ["Other"]);
await mailpit.mailpitDeleteAllEmails();
await mailpit.mailpitNotHasEmailsBySearch("subject:Other");
console.log("ok");
