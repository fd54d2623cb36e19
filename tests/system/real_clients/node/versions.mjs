// The `ai` package, first and newest release of each major since the UI message stream exists.

const names = ["ai-5-first", "ai-5", "ai-6-first", "ai-6", "ai-7-first", "ai"];

export const versions = Object.fromEntries(
  await Promise.all(
    names.map(async (name) => {
      const { default: about } = await import(`./node_modules/${name}/package.json`, { with: { type: "json" } });
      return [about.version, await import(name)];
    }),
  ),
);

// The newest release of each major.
export const newest = Object.fromEntries(Object.entries(versions).filter(([version]) => !version.endsWith(".0.0")));
