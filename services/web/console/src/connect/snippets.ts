/** How common libraries and clients are told where Postroad is. Pure. */

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type Places = Readonly<
  Partial<Record<"world" | "app" | "submission" | "submissions" | "smtp" | "imap" | "imaps" | "pop3" | "pop3s" | "sieve" | "dns", Endpoint>>
>;

interface Snippet {
  readonly name: string;
  readonly code: (places: Places, login: string) => string;
}

const NOWHERE: Endpoint = { host: "localhost", port: 1025 };

function of(code: (app: Endpoint, places: Places, login: string) => string): (places: Places, login: string) => string {
  return (places, login) => code(places.world ?? places.app ?? NOWHERE, places, login);
}

export const SNIPPETS: readonly Snippet[] = [
  {
    name: "Environment",
    code: of(({ host, port }) => `SMTP_HOST=${host}\nSMTP_PORT=${port}\nMAIL_URL=smtp://${host}:${port}`),
  },
  {
    name: "Python",
    code: of(
      ({ host, port }) => `import smtplib
from email.message import EmailMessage

message = EmailMessage()
message["From"], message["To"], message["Subject"] = "app@example.com", "bob@beta.test", "Hello"
message.set_content("It works.")
with smtplib.SMTP("${host}", ${port}) as server:
    server.send_message(message)`,
    ),
  },
  {
    name: "Django",
    code: of(({ host, port }) => `EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"\nEMAIL_HOST = "${host}"\nEMAIL_PORT = ${port}`),
  },
  {
    name: "Nodemailer",
    code: of(
      ({ host, port }) => `import nodemailer from "nodemailer";

const transport = nodemailer.createTransport({ host: "${host}", port: ${port} });
await transport.sendMail({ from: "app@example.com", to: "bob@beta.test", subject: "Hello", text: "It works." });`,
    ),
  },
  {
    name: "Rails",
    code: of(({ host, port }) => `# config/environments/development.rb\nconfig.action_mailer.delivery_method = :smtp\nconfig.action_mailer.smtp_settings = { address: "${host}", port: ${port} }`),
  },
  {
    name: "Laravel",
    code: of(({ host, port }) => `# .env\nMAIL_MAILER=smtp\nMAIL_HOST=${host}\nMAIL_PORT=${port}\nMAIL_ENCRYPTION=null`),
  },
  {
    name: "Symfony",
    code: of(({ host, port }) => `# .env\nMAILER_DSN=smtp://${host}:${port}`),
  },
  {
    name: "Spring",
    code: of(({ host, port }) => `# application.properties\nspring.mail.host=${host}\nspring.mail.port=${port}`),
  },
  {
    name: "Go",
    code: of(
      ({ host, port }) => `err := smtp.SendMail("${host}:${port}", nil, "app@example.com", []string{"bob@beta.test"},
	[]byte("Subject: Hello\\r\\n\\r\\nIt works.\\r\\n"))`,
    ),
  },
  {
    name: "curl",
    code: of(
      ({ host, port }) => `printf 'From: app@example.com\\nTo: bob@beta.test\\nSubject: Hello\\n\\nIt works.\\n' |
  curl smtp://${host}:${port} --mail-from app@example.com --mail-rcpt bob@beta.test --upload-file -`,
    ),
  },
  {
    name: "swaks",
    code: of(({ host, port }) => `swaks --server ${host}:${port} --from app@example.com --to bob@beta.test`),
  },
  {
    name: "mutt",
    code: of(
      (_, { imap, submission }, login) => `# muttrc
set folder = "imap://${imap?.host ?? "localhost"}:${imap?.port ?? 1143}/"
set spoolfile = "+INBOX"
set imap_user = "${login}"
set smtp_url = "smtp://${login}@${submission?.host ?? "localhost"}:${submission?.port ?? 1587}/"
set certificate_file = "postroad-ca.pem"
set ssl_starttls = yes`,
    ),
  },
  {
    name: "Thunderbird",
    code: of(
      (_, { imap, submission }, login) => `Your email address   ${login}
Incoming             IMAP, ${imap?.host ?? "localhost"}, port ${imap?.port ?? 1143}, STARTTLS, normal password
Outgoing             SMTP, ${submission?.host ?? "localhost"}, port ${submission?.port ?? 1587}, STARTTLS, normal password
Authority            Settings, Certificates: import postroad-ca.pem`,
    ),
  },
];
