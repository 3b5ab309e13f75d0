#!/usr/bin/env node
// Plain JavaScript on purpose: it has to run on an old Node.js too, to say what is missing there.

const oldest = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major >= oldest) {
  const { fillCompiled, keepCompiled } = await import("./launch/compile-cache.js");
  if (process.argv.includes("serve")) (await import("./launch/lean-memory.js")).startLean();
  // What rotates logs may send it while the daemon starts, which must not be its end.
  if (process.argv.includes("serve")) process.on("SIGHUP", () => {});
  keepCompiled();
  if (["serve", "demo"].some((verb) => process.argv.includes(verb))) await fillCompiled();
  await import("./main.ts");
} else {
  process.stderr.write(
    `holdfast needs Node.js ${oldest} or later; this is ${process.version}.\n` +
      `In a checkout, "npm start", "npm run demo" and "npx holdfast VERB" use the Node.js ${oldest} that npm ci installed.\n`,
  );
  process.exitCode = 2;
}
