import { defineConfig } from "vitest/config";

// Every start of the command removes from the engine what dead owners left, be it another test's, and clean --all what any
// test has kept: these files look for such runs themselves, or remove them, and so must be alone with the engine.
const alone = [
  "test/e2e/cleanup/killed-build.test.ts",
  "test/e2e/cleanup/run-verb.test.ts",
  "test/e2e/cluster/abandoned-runs.test.ts",
  "test/e2e/gitlab/clean-component.test.ts",
  "test/e2e/preview/expired.test.ts",
];

// Three rings: unit needs nothing, integration needs Debian's registry tools, e2e needs a Docker Engine and a kind node image.
export default defineConfig({
  test: {
    projects: [
      {
        // Packages that are inlined name sources that they do not bring along.
        logLevel: "error",
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 20_000,
          // Modules are loaded once: importing them anew for each file takes twice as long as the tests do.
          isolate: false,
          maxWorkers: 2,
          // It imports JSON in a way that Node itself does not take.
          server: { deps: { inline: ["@actions/workflow-parser"] } },
        },
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          // Rings of different widths cannot be one group: without this, a run of several of them ends in an error.
          sequence: { groupOrder: 1 },
          globalSetup: ["test/setup/command.ts", "test/setup/release.ts"],
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: alone,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // Half of a build is waiting for nodes and pods. What a test looks for is its own, whatever goes on beside it.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          globalSetup: ["test/setup/command.ts", "test/setup/release.ts", "test/setup/e2e.ts"],
        },
      },
      {
        test: {
          name: "e2e-alone",
          include: alone,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          globalSetup: ["test/setup/command.ts", "test/setup/release.ts", "test/setup/e2e.ts"],
        },
      },
    ],
  },
});
