/** Sizes, times, people: as texts in the language and time zone of the browser. Pure, but for these two. */

import type { Person } from "./types.ts";

const UNITS = ["B", "kB", "MB", "GB"] as const;

/** 1,536 octets are 1.5 kB: of 1,000, as file managers count now. */
export function size(octets: number, language?: string): string {
  let value = octets;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dated(time: number, language: string | undefined, zone: string | undefined, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify([language, zone, options]);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(language, { ...options, ...(zone ? { timeZone: zone } : {}) });
    formats.set(key, format);
  }
  return format.format(time);
}

/** How long ago, as a list has room for: now, 42 s, 5 min, then the time of day, then the date. */
export function age(then: string, now: number, language?: string, zone?: string): string {
  const time = Date.parse(then);
  const seconds = Math.floor((now - time) / 1000);
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const day: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
  if (dated(time, language, zone, day) === dated(now, language, zone, day)) {
    return dated(time, language, zone, { hour: "2-digit", minute: "2-digit" });
  }
  if (seconds < 300 * 86_400) return dated(time, language, zone, { day: "numeric", month: "short" });
  return dated(time, language, zone, day);
}

/** The same in a sentence: 5 min ago, at 12:05, on 20 Nov. */
export function ago(then: string, now: number, language?: string, zone?: string): string {
  const text = age(then, now, language, zone);
  if (text === "now") return "just now";
  if (/ (s|min)$/.test(text)) return `${text} ago`;
  return /^\d+:\d+/.test(text) ? `at ${text}` : `on ${text}`;
}

/** The whole of a time: day, time of day to the second, zone. */
export function moment(time: string, language?: string, zone?: string): string {
  const parsed = Date.parse(time);
  if (Number.isNaN(parsed)) return time;
  return dated(parsed, language, zone, {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
}

/** A time of day to the millisecond. */
export function clock(time: string | number, language?: string, zone?: string): string {
  const parsed = typeof time === "number" ? time : Date.parse(time);
  return dated(parsed, language, zone, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  });
}

/** How long something takes: 0.4 ms, 12 ms, 1.5 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 0.001) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return joined(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return joined(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

function joined(large: number, unit: string, small: number, smaller: string): string {
  return small ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`;
}

/** The name of a person, or else the address. */
export function called(person: Person): string {
  return person.name || person.address;
}

/** The first of some people, and how many more there are. */
export function people(some: readonly Person[], most = 2): string {
  const named = some.slice(0, most).map(called).join(", ");
  return some.length > most ? `${named} +${some.length - most}` : named;
}

/** A person as a header has it. */
export function written(person: Person): string {
  if (!person.name) return person.address;
  const name = /^[\w !#$%&'*+/=?^`{|}~-]+$/.test(person.name) ? person.name : `"${person.name.replace(/["\\]/g, "\\$&")}"`;
  return `${name} <${person.address}>`;
}

export function count(number: number, noun: string, language?: string): string {
  return `${new Intl.NumberFormat(language).format(number)} ${noun}${number === 1 ? "" : "s"}`;
}
