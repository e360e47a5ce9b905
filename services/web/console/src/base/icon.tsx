/** The icons: strokes on a grid of 24, drawn in the colour of the text. */

const DRAWN = {
  mail: "M3 6h18v12H3zM3.5 6.5 12 13l8.5-6.5",
  queue: "M5 4h14M5 20h14M7 4c0 5 5 5 5 8s-5 3-5 8M17 4c0 5-5 5-5 8s5 3 5 8",
  mailboxes: "M4 13h4l1.5 3h5L16 13h4M4 13l2.5-8h11L20 13v6H4z",
  dns: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9S9 6 12 3z",
  sessions: "M4 5h16v14H4zM8 10l2.5 2L8 14M13 15h3",
  worlds: "M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  connect: "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 21 21",
  close: "M5 5l14 14M19 5 5 19",
  back: "M20 12H4M10 6l-6 6 6 6",
  previous: "M6 15l6-6 6 6",
  next: "M6 9l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  clip: "M20 11.5 12.5 19a4.5 4.5 0 0 1-6.4-6.4l8-8a3 3 0 0 1 4.3 4.3l-8 8a1.5 1.5 0 0 1-2.2-2.1l7-7",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  tag: "M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01",
  read: "M3 10l9-6 9 6v9H3zM3.5 10.5 12 16l8.5-5.5",
  unread: "M3 6h18v12H3zM3.5 6.5 12 13l8.5-6.5",
  reply: "M10 7 4 12l6 5v-3.5c5 0 8 1 10 4-.5-5-3.5-9-10-9z",
  release: "M5 12h13M12 6l6 6-6 6M21 4v16",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  check: "M5 12.5 10 17l9-10",
  alert: "M12 4 2.5 20h19zM12 10v4M12 17h.01",
  compose: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  phone: "M8 3h8v18H8zM11 18h2",
  tablet: "M5 3h14v18H5zM11 18h2",
  desktop: "M3 5h18v11H3zM9 20h6M12 16v4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15 9h.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  system: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 17h.01",
  refresh: "M20 12a8 8 0 1 1-2.5-5.8M20 4v4.5h-4.5",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  external: "M14 4h6v6M20 4 10 14M18 13v7H4V6h7",
  road: "M7 4 4 20M17 4l3 16M12 5v2M12 11v2M12 17v2",
  key: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l8-8M16 7l3 3",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  camera: "M4 7h4l1.5-2h5L16 7h4v12H4zM12 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
} as const;

export type IconName = keyof typeof DRAWN;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={DRAWN[name]} />
    </svg>
  );
}
