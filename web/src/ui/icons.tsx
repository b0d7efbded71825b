// Line icons on a 24 grid, drawn for the console.
const kPaths = {
  inbox:
    "M4 13l2.6-7.2A2 2 0 0 1 8.5 4.5h7a2 2 0 0 1 1.9 1.3L20 13v4.5a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 13h4.5l1.2 2.5h4.6l1.2-2.5H20",
  question:
    "M9.2 9a2.9 2.9 0 1 1 4.3 2.5c-1 .6-1.5 1.1-1.5 2.2M12 17.2v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  pulse: "M3 12h4l2.5-7 5 14L17 12h4",
  agent:
    "M5 9.5a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2zM12 7.5V4M9.3 12.5v1.2M14.7 12.5v1.2M2.5 12v3M21.5 12v3",
  mail: "M4 6.5h16a1 1 0 0 1 1 1V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V7.5a1 1 0 0 1 1-1zM3.5 7.5L12 13.5l8.5-6",
  key: "M14.5 9.5a5 5 0 1 0-3.8 4.850L12.5 16H15v2.5h2.5V21H21v-3.5l-6.7-6.7c.13-.4.2-.85.2-1.3zM8 8.5v.1",
  hook: "M9 8.5a3.5 3.5 0 1 1 5.3 3l2.2 4M14 20a3.5 3.5 0 1 0 3-5.5h-6.5M10 13.5a3.5 3.5 0 1 1-4.5-3M12 8.5L9.5 13",
  list: "M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5v.1M4.5 12v.1M4.5 17.5v.1",
  stop: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6",
  out: "M7 17L17 7M9 7h8v8",
  in: "M17 7L7 17M15 17H7V9",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  edit: "M4 20h4L19 9a2.1 2.1 0 0 0-3-3L5 17zM14 8l3 3",
  clip: "M19.5 11.5l-7.6 7.6a4.7 4.7 0 0 1-6.7-6.7l7.9-7.9a3.1 3.1 0 0 1 4.5 4.5l-7.7 7.6a1.550 1.550 0 0 1-2.2-2.2l7-7",
  warn: "M12 4L2.8 19.5h18.4zM12 10v4M12 16.8v.1",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.8v.1",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  back: "M15 5l-7 7 7 7",
  more: "M5 11.5h1v1H5zM11.5 11.5h1v1h-1zM18 11.5h1v1h-1z",
  send: "M21 3L10.5 13.5M21 3l-6.5 18-4-7.5L3 9.5z",
  undo: "M8.5 5L4 9.5 8.5 14M4 9.5h10a5.5 5.5 0 0 1 0 11h-3",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  sun: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  half: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 7h6.5M12 12h9M12 17h6.5",
  plus: "M12 5v14M5 12h14",
  door: "M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M4 12h11M11 8l4 4-4 4",
  talk: "M4 5h16v11H10l-4.5 4v-4H4z",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  shield: "M12 3l7.5 3v5.5c0 4.5-3 8-7.5 9.5-4.5-1.5-7.5-5-7.5-9.5V6z",
  refresh: "M20 5v5h-5M4 19v-5h5M5.5 9.5A7 7 0 0 1 18 7.5l2 2.5M18.5 14.5A7 7 0 0 1 6 16.5L4 14",
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true" focusable="false">
      <path
        d={kPaths[name]}
        stroke="currentColor"
        stroke-width={size < 16 ? 2.4 : 1.8}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** The mark: a tick above the line that is signed on. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      aria-hidden="true"
      focusable="false"
      class="mark-icon"
    >
      <rect width="32" height="32" rx="8" />
      <path d="M8 16.5l5 5L24.5 9.5" />
      <path d="M8 26h16" class="mark-line" />
    </svg>
  );
}
