/** A small field that gives messages a tag, with those in use to choose from. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../base/ui.tsx";
import { learn, tags } from "./known.ts";

export function Tagger({ onTag }: { onTag: (name: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isOpen) {
      void learn();
      field.current?.focus();
    }
  }, [isOpen]);
  const done = (): void => {
    const name = field.current?.value.trim();
    setOpen(false);
    if (name) onTag(name);
  };
  return (
    <span class="tagger">
      {isOpen ? (
        <input
          ref={field}
          class="small"
          list="tags-in-use"
          aria-label="Tag"
          placeholder="Tag …"
          maxLength={100}
          data-test="tag-name"
          onKeyDown={(event) => {
            if (event.key === "Enter") done();
            else if (event.key === "Escape") setOpen(false);
            else return;
            event.stopPropagation();
            event.preventDefault();
          }}
          onBlur={done}
        />
      ) : (
        <Button icon="tag" label="Add a tag" onClick={() => setOpen(true)} test="tag-add" kind="quiet" />
      )}
      {isOpen && (
        <datalist id="tags-in-use">
          {tags.value.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </span>
  );
}
