import { defineConfig } from "vitest/config";

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
          globalSetup: ["test/setup/command.ts", "test/setup/release.ts"],
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          // Half of a build is waiting for nodes and pods. What a test looks for is its own, whatever goes on beside it.
          maxWorkers: 2,
          globalSetup: ["test/setup/command.ts", "test/setup/release.ts", "test/setup/e2e.ts"],
        },
      },
    ],
  },
});
