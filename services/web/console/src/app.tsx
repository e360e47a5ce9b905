/** The frame around all views: where one can go, the search field, and the view of the route. */

import { effect } from "@preact/signals";
import type { ComponentType } from "preact";
import { ErrorBoundary, lazy, Suspense } from "./base/lazy.tsx";
import { useEffect, useState } from "preact/hooks";
import { link } from "./base/events.ts";
import { Icon, type IconName } from "./base/icon.tsx";
import { useKeys } from "./base/keys.ts";
import { Help } from "./base/help.tsx";
import { go, place, world } from "./base/place.ts";
import { VIEWS, type View } from "./base/route.ts";
import { THEMES, theme } from "./base/theme.ts";
import { Toasts } from "./base/toast.tsx";
import { Button, Empty, Go } from "./base/ui.tsx";
import Mail from "./mail/mail.tsx";
import { Filters } from "./mail/filters.tsx";
import { Search } from "./mail/search.tsx";
import { unreadOfAll } from "./mail/store.ts";
import { Switcher } from "./worlds/switcher.tsx";

const SHOWN: Record<View, ComponentType> = {
  mail: Mail,
  queue: lazy(() => import("./queue/queue.tsx")),
  mailboxes: lazy(() => import("./mailboxes/mailboxes.tsx")),
  dns: lazy(() => import("./dns/dns.tsx")),
  sessions: lazy(() => import("./sessions/sessions.tsx")),
  worlds: lazy(() => import("./worlds/worlds.tsx")),
  connect: lazy(() => import("./connect/connect.tsx")),
};

const NAMES: Record<View, string> = {
  mail: "Mail",
  queue: "Queue",
  mailboxes: "Mailboxes",
  dns: "DNS",
  sessions: "Sessions",
  worlds: "Worlds",
  connect: "Connect",
};

const LETTERS: Record<View, string> = { mail: "m", queue: "q", mailboxes: "b", dns: "d", sessions: "s", worlds: "w", connect: "c" };

effect(() => {
  const unread = unreadOfAll.value;
  const where = NAMES[place.value.view];
  const which = world.value === "default" ? "" : ` · ${world.value === "*" ? "all worlds" : world.value}`;
  document.title = `${unread ? `(${unread}) ` : ""}${where}${which} · Postroad`;
});

const THEME_ICONS: Record<(typeof THEMES)[number], IconName> = { system: "system", light: "sun", dark: "moon" };

export function App() {
  const [isHelping, setHelping] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const shown = place.value.view;
  const View = SHOWN[shown];
  const turned = (): void => {
    theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  };
  useKeys([
    { keys: ["?"], does: "Show the keys", group: "Everywhere", act: () => setHelping(true) },
    { keys: ["T"], does: "Light, dark, or as the system says", group: "Everywhere", act: turned },
    ...VIEWS.map((view) => ({ keys: [`g ${LETTERS[view]}`], does: `Go to ${NAMES[view]}`, group: "Everywhere", act: () => go({ view }) })),
  ]);
  useEffect(() => setOpen(false), [place.value]);
  return (
    <div class={`frame${isOpen ? " opened" : ""}`}>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <Button icon="more" label="Menu" onClick={() => setOpen(!isOpen)} test="menu" kind="quiet" />
        <Go to={{ view: "mail" }} class="brand" aria-label="Postroad, all mail">
          <Mark />
          <span>Postroad</span>
        </Go>
        <Search />
        <span class={`live ${link.value}`} role="status" data-test="live" data-state={link.value}>
          <span class="dot" aria-hidden="true" />
          <span class="word">{link.value === "open" ? "Live" : link.value === "lost" ? "Not connected" : "…"}</span>
        </span>
        <Button icon={THEME_ICONS[theme.value]} label={`Colours: ${theme.value}`} hint="T" onClick={turned} test="theme" kind="quiet" />
        <Button icon="help" label="Keys" hint="?" onClick={() => setHelping(true)} test="help" kind="quiet" />
      </header>
      <nav class="side" aria-label="Views">
        <Switcher />
        <ul class="views">
          {VIEWS.map((view) => (
            <li key={view}>
              <Go to={{ view }} class={view === shown ? "view on" : "view"} aria-current={view === shown ? "page" : undefined} data-test={`nav-${view}`}>
                <Icon name={view} size={18} />
                <span class="name">{NAMES[view]}</span>
                {view === "mail" && unreadOfAll.value > 0 && (
                  <span class="count" data-test="unread">
                    {unreadOfAll.value}
                  </span>
                )}
              </Go>
            </li>
          ))}
        </ul>
        {shown === "mail" && <Filters />}
        <span class="space" />
        <p class="foot">
          <a href="/v1/docs" data-outside target="_blank" rel="noopener">
            API
          </a>
          <a href="/metrics" data-outside target="_blank" rel="noopener">
            Metrics
          </a>
        </p>
      </nav>
      <main id="main" tabIndex={-1} data-test={`view-${shown}`}>
        <ErrorBoundary key={shown} fallback={(error) => <Empty icon="alert" title="This view has failed"><p>{error}</p></Empty>}>
          <Suspense fallback={<p class="waiting" aria-busy="true" />}>
            <View />
          </Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
      {isHelping && <Help onClose={() => setHelping(false)} />}
    </div>
  );
}

function Mark() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true" class="logo">
      <rect x="1" y="1" width="22" height="22" rx="6" />
      <path d="M8.4 5 6 19M15.6 5 18 19M12 6v2.6M12 11v2.6M12 16v2.6" />
    </svg>
  );
}
