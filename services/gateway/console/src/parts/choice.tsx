import type { JSX } from "preact";

/** One of several: of each option what is chosen by it, and what it is called. */
export function Choice({ name, value, options, changed }: { name: string; value: string; options: [string, string][]; changed: (to: string) => void }): JSX.Element {
  return (
    <label>
      {name}{" "}
      <select value={value} onChange={(event) => changed(event.currentTarget.value)}>
        {options.map(([one, said]) => (
          <option key={one} value={one}>
            {said}
          </option>
        ))}
      </select>
    </label>
  );
}
