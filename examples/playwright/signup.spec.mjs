// Somebody signs up in the browser, and follows the link in the mail: npm install @playwright/test mailpit-api
// Postroad speaks Mailpit's dialect, so Mailpit's clients work as they are.
import { expect, test } from "@playwright/test";
import { MailpitClient } from "mailpit-api";

const mailpit = new MailpitClient(process.env.MAILPIT_URL ?? "http://localhost:8025");

test("a new customer confirms the address", async ({ page }) => {
  const address = `${crypto.randomUUID()}@customer.example`;

  await page.goto("/signup");
  await page.getByLabel("E-mail").fill(address);
  await page.getByRole("button", { name: "Sign up" }).click();

  const message = await mailpit.waitForMessage({ query: `to:${address}` });
  expect(message.Subject).toBe("Welcome");
  const [link] = message.Text.match(/https?:\/\/\S+/);
  await page.goto(link);
  await expect(page.getByText("Thank you")).toBeVisible();
});
