// imapflow: host port user secret ca way. Reads INBOX, waits for a line, finds out what has changed, idles, and says so.
// The way is what the secret is: password, or token.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ImapFlow } from "imapflow";

const [host, port, user, secret, ca, way] = process.argv.slice(2);
const settings = {
  host,
  port: Number(port),
  secure: true,
  auth: way === "token" ? { user, accessToken: secret } : { user, pass: secret },
  tls: { ca: readFileSync(ca) },
  qresync: true,
  logger: false,
  disableAutoIdle: true,
};
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function subjects(client, range, options) {
  const found = {};
  const query = { uid: true, flags: true, envelope: true, threadId: true };
  for await (const message of client.fetch(range, query, { uid: true, ...options })) {
    if (!message.emailId || !message.threadId) throw new Error("no OBJECTID");
    found[message.envelope.subject] = [...message.flags].filter((flag) => flag !== "\\Recent").sort();
  }
  return found;
}

let client = new ImapFlow(settings);
await client.connect();
let mailbox = await client.mailboxOpen("INBOX");
const before = await subjects(client, "1:*");
const since = mailbox.highestModseq;
await client.logout();
console.log(JSON.stringify({ before }));

await lines.next();
client = new ImapFlow(settings);
const vanished = [];
client.on("expunge", (event) => event.earlier && vanished.push(event.uid));
await client.connect();
mailbox = await client.mailboxOpen("INBOX");
const changed = await subjects(client, "1:*", { changedSince: since });
const compressed = Boolean(client._inflate) || client.capabilities.has("COMPRESS=DEFLATE");
console.log(JSON.stringify({ changed, vanished, enabled: [...client.enabled].sort(), compressed }));

const told = new Promise((resolve) => client.once("exists", resolve));
client.idle();
console.log("idling");
const { count } = await told;
console.log(JSON.stringify({ count }));
await client.logout();
process.exit(0);
