// The gateway's clock, as far as this browser's tells it: both may be wrong, and what is under way is by the gateway's.

/** Milliseconds for which the gateway says one `Date`, at the most: it is of whole seconds, and made once a second. */
const COARSE = 2_500;
/** Between which the gateway's clock is before this browser's: what all answers so far agree on. */
let least = Number.NEGATIVE_INFINITY;
let most = Number.POSITIVE_INFINITY;

/** What an answer's `Date` tells of it, where the question was sent at `asked` (by this browser). */
export function heardOf(date: string | null, asked: number): void {
  const said = Date.parse(date ?? "");
  if (Number.isNaN(said)) return;
  const [from, to] = [said - Date.now(), said + COARSE - asked];
  // a clock was set, or it is another gateway's: only the last answer counts
  const isAnother = from > most || to < least;
  least = isAnother ? from : Math.max(least, from);
  most = isAnother ? to : Math.min(most, to);
}

/** A time of this browser, by the gateway's clock; itself where the two may agree. */
export function byGateway(time = Date.now()): number {
  return least <= 0 && most >= 0 ? time : time + (least + most) / 2;
}
