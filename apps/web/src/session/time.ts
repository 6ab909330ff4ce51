const DAY_MS = 86_400_000;
const startOfDay = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** 14:05 */
export const clockTime = (iso: string): string =>
  new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }).format(new Date(iso));

/** “Today”, “Yesterday”, a weekday within the last week, else a date. */
export function dayName(iso: string, now = new Date()): string {
  const time = new Date(iso);
  const days = Math.round((startOfDay(now) - startOfDay(time)) / DAY_MS);
  if (days < 2) return capitalised(new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' }).format(-days, 'day'));
  if (days < 7) return capitalised(new Intl.DateTimeFormat(undefined, { weekday: 'long' }).format(time));
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(time);
}

/** For a list: the clock today, else the day. */
export const listTime = (iso: string): string =>
  startOfDay(new Date()) === startOfDay(new Date(iso)) ? clockTime(iso) : dayName(iso);

/** 02:41 */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const padded = [minutes, seconds % 60].map((part) => String(part).padStart(2, '0')).join(':');
  return hours > 0 ? `${hours}:${padded}` : padded;
}

const capitalised = (text: string) => text.charAt(0).toLocaleUpperCase() + text.slice(1);
