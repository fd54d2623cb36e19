// How things are said: names of members, numbers, times.

/** `nextSteps` as "Next steps". */
export function label(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Of an id what tells it from those made in the same minute: it begins with the time. */
export function brief(id: string): string {
  return `…${id.slice(-8)}`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

export function money(usd: number | null | undefined): string {
  return usd === null || usd === undefined ? "–" : `$${usd.toFixed(usd >= 1 ? 2 : 4)}`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 950) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** In the reader's zone; the day only where it is not today's. */
export function moment(text: string | null | undefined): string {
  if (!text) return "";
  const time = new Date(text);
  const clock = time.toLocaleTimeString("en-GB");
  return time.toDateString() === new Date().toDateString() ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}
