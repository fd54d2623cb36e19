// What may become of a value that is read from a text that only grows.

// Why `later` cannot have grown from `earlier`; undefined if it can. `open`: the value stands last in the text.
export function contradiction(earlier, later, path = "", open = true) {
  if (earlier === undefined) return undefined;
  if (Array.isArray(earlier) && Array.isArray(later)) {
    if (later.length < earlier.length) return `${path} got shorter`;
    return first(earlier.keys(), (i) =>
      contradiction(earlier[i], later[i], `${path}/${i}`, open && i === earlier.length - 1));
  }
  if (earlier !== null && later !== null && typeof earlier === "object" && typeof later === "object") {
    if (Array.isArray(earlier) !== Array.isArray(later)) return `${path} became something else`;
    const names = Object.keys(earlier);
    const now = Object.keys(later);
    return first(names.keys(), (i) =>
      now[i] === names[i]
        ? contradiction(earlier[names[i]], later[names[i]], `${path}/${names[i]}`, open && i === names.length - 1)
        : `${path}/${names[i]} went away`);
  }
  if (Object.is(earlier, later)) return undefined;
  if (open && typeof earlier === "string" && typeof later === "string" && later.startsWith(earlier)) return undefined;
  // 8 becomes 8.5: the text of a number grows too
  if (open && typeof earlier === "number" && typeof later === "number" && `${later}`.startsWith(`${earlier}`)) {
    return undefined;
  }
  return `${path} was ${JSON.stringify(earlier)}, then ${JSON.stringify(later)}`;
}

function first(keys, find) {
  for (const key of keys) {
    const found = find(key);
    if (found !== undefined) return found;
  }
  return undefined;
}
