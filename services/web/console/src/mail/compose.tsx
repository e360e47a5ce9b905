/** Writes a message, which goes through the app door like that of any app. */

import { useRef, useState } from "preact/hooks";
import { api, sentence } from "../base/api.ts";
import { size } from "../base/format.ts";
import { go } from "../base/place.ts";
import { tell } from "../base/toast.tsx";
import { Button, Dialog } from "../base/ui.tsx";
import { accounts } from "./known.ts";
import { addresses, type Letter } from "./letter.ts";

interface File {
  readonly filename: string;
  readonly content_type: string;
  readonly content: string;
  readonly octets: number;
}

async function read(file: globalThis.File): Promise<File> {
  const octets = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < octets.length; at += 0x8000) text += String.fromCharCode(...octets.subarray(at, at + 0x8000));
  return { filename: file.name, content_type: file.type, content: btoa(text), octets: octets.length };
}

export function Compose({ letter, onClose }: { letter: Letter; onClose: () => void }) {
  const [files, setFiles] = useState<readonly File[]>([]);
  const [hasHtml, setHtml] = useState(false);
  const [hasCopies, setCopies] = useState(Boolean(letter.cc));
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const send = async (): Promise<void> => {
    const data = new FormData(form.current ?? undefined);
    const text = (name: string): string => String(data.get(name) ?? "");
    setBusy(true);
    setProblem(null);
    try {
      const html = text("html");
      const sent = await api.post<{ id: string; refused: { address: string; reply: string }[] }>("messages", {
        from: text("from"),
        to: addresses(text("to")),
        cc: addresses(text("cc")),
        bcc: addresses(text("bcc")),
        subject: text("subject"),
        text: text("text"),
        ...(hasHtml && html ? { html } : {}),
        ...(letter.headers && Object.keys(letter.headers).length ? { headers: letter.headers } : {}),
        attachments: files.map(({ filename, content_type, content }) => ({ filename, content_type, content })),
      });
      const refused = sent.refused.map(({ address, reply }) => `${address}: ${reply}`);
      tell(refused.length ? `Sent, but not to ${refused.join("; ")}` : `Sent: ${sent.id}`);
      onClose();
      go({ view: "mail", path: [sent.id] });
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
    }
  };

  return (
    <Dialog title={letter.headers ? "Reply" : "Write a message"} onClose={onClose} test="compose-dialog" wide>
      <form
        ref={form}
        class="letter"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <label>
          From
          <input name="from" list="addresses" required defaultValue={letter.from || "app@example.com"} spellcheck={false} data-test="compose-from" />
        </label>
        <label>
          To
          <input name="to" list="addresses" required={!hasCopies} defaultValue={letter.to ?? ""} spellcheck={false} data-test="compose-to" autofocus={!letter.to} />
        </label>
        {hasCopies ? (
          <>
            <label>
              Cc
              <input name="cc" list="addresses" defaultValue={letter.cc ?? ""} spellcheck={false} data-test="compose-cc" />
            </label>
            <label>
              Bcc
              <input name="bcc" list="addresses" defaultValue="" spellcheck={false} data-test="compose-bcc" />
            </label>
          </>
        ) : null}
        <label>
          Subject
          <input name="subject" defaultValue={letter.subject ?? ""} data-test="compose-subject" />
        </label>
        <label class="tall">
          <span class="hidden">Text</span>
          <textarea name="text" rows={10} defaultValue={letter.text ?? ""} placeholder="Text" data-test="compose-text" />
        </label>
        {hasHtml && (
          <label class="tall">
            <span class="hidden">HTML</span>
            <textarea name="html" rows={6} placeholder="<p>HTML</p>" spellcheck={false} class="mono" data-test="compose-html" />
          </label>
        )}
        <datalist id="addresses">
          {accounts.value.map(({ login }) => (
            <option key={login} value={login} />
          ))}
        </datalist>
        {files.length > 0 && (
          <ul class="files">
            {files.map((file, index) => (
              <li key={index}>
                {file.filename} <span class="quiet">{size(file.octets)}</span>{" "}
                <button type="button" class="more" onClick={() => setFiles(files.filter((other) => other !== file))}>
                  Remove
                </button>
              </li>
            ))}
          </ul>
        )}
        {problem !== null && (
          <p class="problem" role="alert" data-test="problem">
            {problem}
          </p>
        )}
        <div class="actions">
          <label class="button quiet">
            Attach files
            <input
              type="file"
              multiple
              class="hidden"
              data-test="compose-files"
              onChange={(event) => {
                const input = event.currentTarget;
                void Promise.all([...(input.files ?? [])].map(read)).then((more) => {
                  setFiles((before) => [...before, ...more]);
                  input.value = "";
                });
              }}
            />
          </label>
          {!hasCopies && (
            <Button label="Cc and Bcc" onClick={() => setCopies(true)} test="compose-copies" kind="quiet">
              Cc, Bcc
            </Button>
          )}
          {!hasHtml && (
            <Button label="Add HTML" onClick={() => setHtml(true)} test="compose-html-add" kind="quiet">
              HTML
            </Button>
          )}
          <span class="space" />
          <Button label="Cancel" onClick={onClose} test="no">
            Cancel
          </Button>
          <button type="submit" class="button primary" disabled={isBusy} data-test="compose-send">
            Send
          </button>
        </div>
      </form>
    </Dialog>
  );
}
