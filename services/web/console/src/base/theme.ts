/** Light, dark, or as the system says; kept by the browser. */

import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "postroad.theme";

function kept(): Theme {
  const value = remembered(KEY);
  return (THEMES as readonly string[]).includes(value ?? "") ? (value as Theme) : "system";
}

export const theme = signal<Theme>(kept());

effect(() => {
  const chosen = theme.value;
  document.documentElement.dataset["theme"] = chosen;
  remember(KEY, chosen === "system" ? null : chosen);
});

/** Read what the browser keeps; it may be forbidden to keep anything. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // then it holds until the tab is closed
  }
}
