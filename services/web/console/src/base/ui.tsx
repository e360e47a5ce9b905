/** The small pieces that every view is made of. */

import type { AnchorHTMLAttributes, ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { pieces } from "./careful.ts";
import { Icon, type IconName } from "./icon.tsx";
import { followed, urlOf } from "./place.ts";
import type { Route } from "./route.ts";
import { complain } from "./toast.tsx";
import type { State } from "./types.ts";

/** A link within the console. */
export function Go({ to, children, ...rest }: { to: Partial<Route>; children: ComponentChildren } & Omit<AnchorHTMLAttributes, "href">) {
  return (
    <a {...(rest as object)} href={urlOf(to)} onClick={followed}>
      {children}
    </a>
  );
}

/** Text that a stranger wrote: what can't be seen in it is shown by its number. */
export function Text({ of }: { of: string }) {
  const parts = pieces(of);
  const [only] = parts;
  if (parts.length === 1 && only && !only.marked) return <>{only.text}</>;
  return (
    <bdi>
      {parts.map((piece, index) =>
        piece.marked ? (
          <span key={index} class="unseen" title="A character that can't be seen">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}

interface ButtonProps {
  icon?: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  test: string;
  children?: ComponentChildren;
  disabled?: boolean;
  pressed?: boolean;
  kind?: "plain" | "primary" | "danger" | "quiet";
  hint?: string;
}

/** A button; without children it is its icon, and the label is read out and shown on hover. */
export function Button({ icon, label, onClick, test, children, disabled, pressed, kind = "plain", hint }: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${kind}${children ? "" : " bare"}`}
      aria-label={children ? undefined : label}
      title={hint ? `${label} (${hint})` : label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
      data-test={test}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** Copies a text, and says that it did. */
export function CopyButton({ text, label = "Copy", test = "copy" }: { text: string | (() => Promise<string>); label?: string; test?: string }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : await text());
      setDone(true);
    } catch (error) {
      complain(error);
    }
  };
  return <Button icon={isDone ? "check" : "copy"} label={isDone ? "Copied" : label} onClick={() => void copy()} test={test} kind="quiet" />;
}

const WORDS: Record<State, string> = {
  queued: "Queued",
  deferred: "Deferred",
  held: "Held",
  failed: "Bounced",
  dropped: "Dropped",
  captured: "Captured",
  delivered: "Delivered",
};

export function StateMark({ state, short = false }: { state: State; short?: boolean }) {
  return (
    <span class={`state ${state}${short ? " short" : ""}`} data-test="state" data-state={state} title={short ? WORDS[state] : undefined}>
      <span class="dot" aria-hidden="true" />
      <span class={short ? "hidden" : undefined}>{WORDS[state]}</span>
    </span>
  );
}

export function Tag({ name, onRemove }: { name: string; onRemove?: () => void }) {
  // The same tag has the same colour everywhere: one of twelve by its letters.
  let sum = 0;
  for (const character of name.toLowerCase()) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return (
    <span class={`tag hue${sum % 12}`} data-test="tag">
      {name}
      {onRemove && (
        <button type="button" onClick={onRemove} aria-label={`Remove the tag ${name}`} data-test="tag-remove">
          <Icon name="close" size={10} />
        </button>
      )}
    </span>
  );
}

/** What stands in place of what is not there. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty" data-test="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A dialog of the browser's own, which keeps the focus and closes on Escape. */
export function Dialog({ title, onClose, children, test, wide = false }: { title: string; onClose: () => void; children: ComponentChildren; test: string; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before the page is drawn: a key that comes at once is the dialog's already.
  useLayoutEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : undefined}
      aria-label={title}
      data-test={test}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="sheet">
        <header>
          <h2>{title}</h2>
          <Button icon="close" label="Close" onClick={onClose} test="close" kind="quiet" />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Ask before something that can't be taken back. */
export function Sure({ title, text, does, onYes, onNo }: { title: string; text: string; does: string; onYes: () => void; onNo: () => void }) {
  return (
    <Dialog title={title} onClose={onNo} test="sure">
      <p>{text}</p>
      <div class="actions">
        <Button label="Cancel" onClick={onNo} test="no">
          Cancel
        </Button>
        <Button label={does} onClick={() => (onNo(), onYes())} test="yes" kind="danger">
          {does}
        </Button>
      </div>
    </Dialog>
  );
}
