/** The files of a message: with a look at images and texts, and a way to save each. */

import { useState } from "preact/hooks";
import { api, sentence, url } from "../base/api.ts";
import { plain } from "../base/careful.ts";
import { size } from "../base/format.ts";
import { Icon } from "../base/icon.tsx";
import { useLoaded } from "../base/load.ts";
import { Dialog } from "../base/ui.tsx";
import type { Attachment, Content } from "../base/types.ts";

const SEEN = /^image\/(png|jpeg|gif|webp|bmp|svg\+xml|avif|x-icon)$/;
const READ = /^(text\/|application\/(json|xml|x-yaml|pgp-signature)|message\/)/;
const MOST_READ = 200_000; // octets of a text that is shown

export function Attachments({ id, content }: { id: string; content: Content }) {
  const [open, setOpen] = useState<Attachment | null>(null);
  if (content.attachments.length === 0) return null;
  return (
    <ul class="attachments" aria-label="Attachments">
      {content.attachments.map((file) => (
        <li key={file.part_id} data-test="attachment">
          <button type="button" class="file" onClick={() => setOpen(file)} data-test="attachment-open">
            {SEEN.test(file.content_type) ? (
              <img src={url(["messages", id, "parts", file.part_id])} alt="" loading="lazy" decoding="async" />
            ) : (
              <Icon name="file" size={20} />
            )}
            <span class="name">{plain(file.filename || file.content_id || `part ${file.part_id}`)}</span>
            <span class="quiet">{size(file.size)}</span>
          </button>
          <a class="button quiet bare" href={url(["messages", id, "parts", file.part_id], { download: true })} download aria-label={`Save ${plain(file.filename)}`} title="Save" data-test="attachment-save">
            <Icon name="download" size={14} />
          </a>
        </li>
      ))}
      {open && <Preview id={id} file={open} onClose={() => setOpen(null)} />}
    </ul>
  );
}

function Preview({ id, file, onClose }: { id: string; file: Attachment; onClose: () => void }) {
  return (
    <Dialog title={plain(file.filename || "Attachment")} onClose={onClose} test="preview" wide>
      <PartView id={id} partId={file.part_id} contentType={file.content_type} octets={file.size} />
      <dl class="facts">
        <dt>Type</dt>
        <dd>{file.content_type}</dd>
        <dt>Size</dt>
        <dd>{new Intl.NumberFormat().format(file.size)} octets</dd>
        {file.sha256 && (
          <>
            <dt>SHA-256</dt>
            <dd class="address">{file.sha256}</dd>
          </>
        )}
      </dl>
    </Dialog>
  );
}

/** What can be shown of a part: an image, or its text. */
export function PartView({ id, partId, contentType, octets }: { id: string; partId: string; contentType: string; octets: number }) {
  const isText = READ.test(contentType) && octets <= MOST_READ;
  const text = useLoaded((signal) => (isText ? api.text(["messages", id, "parts", partId], {}, signal) : Promise.resolve("")), [id, partId]);
  if (SEEN.test(contentType)) return <img class="seen" src={url(["messages", id, "parts", partId])} alt="The attached image" />;
  if (isText) return <pre class="text">{text.error === null ? plain(text.value ?? "…") : sentence(text.error)}</pre>;
  return (
    <p class="quiet">
      {READ.test(contentType) ? "It is too long to be shown here." : `There is no look at ${contentType}.`}{" "}
      <a href={url(["messages", id, "parts", partId], { download: true })} download>
        Save it
      </a>
    </p>
  );
}
