// Amounts by day as bars, one series on top of the other.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export type Series = { name: string; values: number[] };

const HEIGHT = 260;

/** `said`: what it shows, for who does not see it. */
export function Bars({ labels, series, format, said }: { labels: string[]; series: Series[]; format: (amount: number) => string; said: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const dark = useDark();
  const drawn = JSON.stringify([labels, series, said, dark]);
  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const ink = colour(place, "ink");
    const lines = colour(place, "line");
    const sums = stacked(series);
    const bars = uPlot.paths.bars?.({ size: [0.7, 48] });
    const options: uPlot.Options = {
      width: place.clientWidth,
      height: HEIGHT,
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } },
      axes: [
        { stroke: ink, grid: { show: false }, ticks: { show: false }, values: (_, places) => places.map((index) => labels[index]?.slice(5) ?? ""), incrs: [1, 2, 5, 7, 10, 30, 60] },
        { stroke: ink, grid: { stroke: lines, width: 1 }, ticks: { show: false }, size: 76, values: (_, amounts) => amounts.map(format) },
      ],
      series: [
        { label: "Day", value: (_, index) => labels[index] ?? "all days" },
        ...series
          .map(({ name, values }, index) => ({
            label: name,
            fill: colour(place, `series-${index + 1}`),
            stroke: colour(place, `series-${index + 1}`),
            width: 0,
            ...(bars && { paths: bars }),
            points: { show: false },
            value: (_: uPlot, __: number, ___: number, day: number | null) => format(day === null ? values.reduce((all, one) => all + one, 0) : (values[day] ?? 0)),
          }))
          .reverse(),
      ],
    };
    const plot = new uPlot(options, [labels.map((_, index) => index), ...sums.reverse()], place);
    const resized = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [drawn]);
  return <div class="bars" role="img" aria-label={said} ref={box} />;
}

/** Each with all before it. */
function stacked(series: Series[]): number[][] {
  let below: number[] = [];
  return series.map(({ values }) => (below = values.map((value, index) => value + (below[index] ?? 0))));
}

/** What a canvas can be given for a colour of styles/usage.css. */
function colour(place: HTMLElement, name: string): string {
  const probe = place.appendChild(document.createElement("span"));
  probe.className = `probe-${name}`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function useDark(): boolean {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const changed = () => setDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
