// `mailhog`, the most used client of MailHog, unchanged: node mailhog.mjs <host> <port> <SMTP port> <user> <password>
//
// The caller has sent two messages: "Grüße" with a text, a page and a file, and "second", which is plain.
import assert from "node:assert/strict";
import mailhog from "mailhog";

const [host, port, smtp, user, password] = process.argv.slice(2);
const client = mailhog({ host, port: Number(port), auth: `${user}:${password}` });

const all = await client.messages();
assert.deepEqual([all.total, all.count, all.start], [2, 2, 0]);
assert.deepEqual(all.items.map((mail) => mail.subject), ["second", "Grüße"]);
const page = await client.messages(1, 1);
assert.deepEqual([page.total, page.count, page.start], [2, 1, 1]);

const [plain, rich] = all.items;
assert.equal(plain.text, "Only a line.");
assert.equal(plain.from, "Shop <shop@alpha.test>");
assert.equal(plain.to, "second@elsewhere.example");
assert.equal(plain.attachments.length, 0);
assert.match(rich.date.toISOString(), /^20/);
assert.match(rich.deliveryDate.toISOString(), /^20/);
assert.equal(rich.attachments[0].name, "invoice.pdf");
assert.equal(rich.attachments[0].type, "application/pdf");
assert.equal(Buffer.from(rich.attachments[0].Body, rich.attachments[0].encoding).toString(), "%PDF");
const [alternative] = rich.MIME.Parts;
assert.match(client.decode(alternative.MIME.Parts[0].Body, "quoted-printable"), /^Grüße/);

assert.equal((await client.latestTo("customer@elsewhere.example")).ID, rich.ID);
assert.equal((await client.latestTo("hidden@elsewhere.example")).ID, rich.ID); // of the envelope alone
assert.equal((await client.latestFrom("shop@alpha.test")).ID, plain.ID);
assert.equal((await client.latestContaining("only a line")).ID, plain.ID);
assert.equal((await client.search("shop", "from")).total, 2);
assert.equal(await client.latestTo("nobody@elsewhere.example"), 0);

// Back to the door that it came by: a third message.
const released = await client.releaseMessage(plain.ID, { host, port: smtp, email: "third@elsewhere.example" });
assert.equal(released.statusCode, 200);
const third = await client.latestTo("third@elsewhere.example");
assert.equal(third.subject, "second");
assert.equal(third.Raw.From, "nobody@mailhog.example");

assert.equal((await client.deleteMessage(third.ID)).statusCode, 200);
assert.equal((await client.deleteMessage(third.ID)).statusCode, 500);
assert.equal((await client.messages()).total, 2);
assert.equal((await client.deleteAll()).statusCode, 200);
assert.equal((await client.messages()).total, 0);
console.log("ok");
