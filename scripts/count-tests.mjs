// Sums the rings' results into the one closing line: "N passed, N failed, N skipped".
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const directory = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of readdirSync(directory).filter((name) => name.endsWith(".exit"))) {
  const ring = file.slice(0, -".exit".length);
  const succeeded = readFileSync(join(directory, file), "utf8").trim() === "0";
  const report = join(directory, `${ring}.json`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (existsSync(report)) {
    const json = JSON.parse(readFileSync(report, "utf8"));
    counts.passed = json.numPassedTests;
    counts.failed = json.numFailedTests;
    counts.skipped = json.numPendingTests + json.numTodoTests;
  } else if (succeeded) {
    counts.passed = 1;
  }
  // A ring may fail without a failed test: a file that does not load, an unhandled rejection, a crash.
  if (!succeeded && counts.failed === 0) counts.failed = 1;
  console.log(`${ring.padEnd(12)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  for (const key of Object.keys(total)) total[key] += counts[key];
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
