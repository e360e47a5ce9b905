// The commands of `cypress-mailhog`, unchanged, without Cypress: node cypress-mailhog.mjs <URL> <user> <password>
//
// Cypress needs a browser. The commands only ask it for requests and for values to be passed along; what they pass to
// `should` is tried again here until it holds, as Cypress does. The caller has sent the messages as for `mailhog.mjs`.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const [url, user, password] = process.argv.slice(2);
const settings = { mailHogUrl: `${url}/`, mailHogUsername: user, mailHogPassword: password };
const commands = {};

class Chain {
  constructor(run) {
    this.run = run;
  }
  then(resolve, reject) {
    return this.run().then(resolve, reject);
  }
  its(name) {
    return new Chain(async () => (await this.run())[name]);
  }
  should(how, value) {
    return new Chain(async () => {
      for (const until = Date.now() + 10_000; ; ) {
        const { length } = await this.run();
        if (how === "not.have.length" ? length !== value : length > value) return;
        assert.ok(Date.now() < until, `${length} ${how} ${value}`);
      }
    });
  }
}

async function request({ method, url: where, auth, failOnStatusCode = true }) {
  const headers = { Authorization: `Basic ${btoa(`${auth.user}:${auth.pass}`)}` };
  const answer = await fetch(where, { method, headers });
  if (failOnStatusCode && !answer.ok) throw new Error(`${method} ${where}: ${answer.status}`);
  const text = await answer.text();
  const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

globalThis.Cypress = {
  env: (name) => settings[name],
  config: () => 5000,
  Commands: { add: (name, ...rest) => (commands[name] = rest.at(-1)) },
};
globalThis.cy = {
  request: (options) => new Chain(() => request(options)),
  wrap: (value) => new Chain(async () => value),
  verifyUpcomingAssertions: async (value) => value,
};
const file = new URL("node_modules/cypress-mailhog/index.js", import.meta.url);
new Function("Cypress", "cy", await readFile(file, "utf8"))(globalThis.Cypress, globalThis.cy);
for (const [name, command] of Object.entries(commands)) {
  globalThis.cy[name] = (...args) => new Chain(async () => await command(...args));
}

assert.equal((await cy.mhGetAllMails()).length, 2);
assert.equal((await cy.mhGetAllMails(1)).length, 1);
await cy.mhWaitForMails(1);
await cy.mhHasMailWithSubject("second");
await cy.mhHasMailFrom("bounces@alpha.test");
await cy.mhHasMailTo("hidden@elsewhere.example");
assert.equal((await cy.mhSearchMails("to", "customer@elsewhere.example")).length, 1);
const [rich] = await cy.mhGetMailsByRecipient("customer@elsewhere.example");
assert.equal(await cy.mhGetSubject(rich), "=?utf-8?q?Gr=C3=BC=C3=9Fe?=");
assert.equal(await cy.mhGetSender(rich), "bounces@alpha.test");
assert.deepEqual(await cy.mhGetRecipients(rich), ["customer@elsewhere.example", "hidden@elsewhere.example"]);
assert.deepEqual(await cy.mhGetAttachments(rich), ['"invoice.pdf"']);
const [plain] = await cy.mhFilterBySubject(await cy.mhGetAllMails(), "second");
assert.equal(await cy.mhGetBody(plain), "Only a line.");

assert.equal(await cy.mhGetJimMode(), false);
assert.equal((await cy.mhSetJimMode(true)).status, 201);
assert.equal(await cy.mhGetJimMode(), true);
assert.equal((await cy.mhSetJimMode(true)).status, 400);
assert.equal((await cy.mhSetJimMode(false)).status, 200);
assert.equal(await cy.mhGetJimMode(), false);

await cy.mhDeleteAll();
assert.equal((await cy.mhGetAllMails()).length, 0);
console.log("ok");
