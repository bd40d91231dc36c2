import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { runMark, runVariable } from "../cluster/run-labels.ts";
import { endProcesses } from "../cluster/run-processes.ts";
import { KubefileError } from "../error.ts";
import { run } from "../process/run.ts";
import type { Host } from "./host.ts";

/** A command of the user's that looks at what was launched. */
export interface PreviewTest {
  /** A shell command line. */
  readonly command: string;
  /** Where it runs, absolute. */
  readonly directory: string;
  /** All that it gets of this process's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface TestResult {
  readonly command: string;
  /** Absent when it ran out of time. */
  readonly exitCode?: number;
  readonly seconds: number;
  /** The last lines of both streams. */
  readonly output: string;
}

export interface RunTestOptions {
  readonly test: PreviewTest;
  /** The cluster's own. */
  readonly kubeconfig: string;
  /** Where a copy of it can stay as long as the run: what a test changes in it is lost. */
  readonly directory: string;
  /** What leads to the forwarded ports. */
  readonly addresses: Readonly<Record<string, string>>;
}

const OUTPUT_LINES = 200;
const OUTPUT_CHARACTERS = 16 * 1024;

/** Runs the test on this machine; what it leaves running is ended with it. */
export async function runTest(host: Host, options: RunTestOptions): Promise<TestResult> {
  const { test, directory, addresses } = options;
  const kubeconfig = join(directory, "test-kubeconfig");
  await copyFile(options.kubeconfig, kubeconfig);
  const lines: string[] = [];
  return await host.progress.phase("test", async (phase) => {
    phase.log(`$ ${test.command}`);
    const begin = host.now();
    const result = (exitCode?: number): TestResult => ({
      command: test.command,
      ...(exitCode === undefined ? {} : { exitCode }),
      seconds: Math.round(host.now() - begin) / 1_000,
      output: lines.join("\n").slice(-OUTPUT_CHARACTERS),
    });
    try {
      const program = run("sh", ["-c", test.command], {
        cwd: test.directory,
        // The run's own variable: should this process be killed, `kubefile clean` finds the test by it.
        env: {
          ...test.environment,
          ...addresses,
          KUBECONFIG: kubeconfig,
          [runVariable]: runMark(host.runId, host.owner),
        },
        timeout: test.timeout,
        signal: host.signal,
        allowFailure: true,
        endsChildren: true,
        onLine: (line) => {
          phase.log(line);
          lines.push(line);
          if (lines.length > OUTPUT_LINES) lines.shift();
        },
      });
      // What has left the test's group is known by the file that is the test's alone.
      const { exitCode } = await program.finally(() => endProcesses([{ name: "KUBECONFIG", value: kubeconfig }]));
      phase.summary(exitCode === 0 ? "passed" : `exit code ${exitCode}`);
      return result(exitCode);
    } catch (error) {
      if (!(error instanceof KubefileError) || error.code !== "COMMAND_TIMEOUT") throw error;
      phase.summary("out of time");
      return result();
    }
  });
}

/** @returns undefined for a test that has passed */
export function testFailure({ command, exitCode, seconds }: TestResult): KubefileError | undefined {
  if (exitCode === 0) return undefined;
  const what =
    exitCode === undefined ? `did not end within ${Math.round(seconds)} s` : `ended with exit code ${exitCode}`;
  return new KubefileError("TEST_FAILED", `test ${JSON.stringify(command)} ${what}`, {
    hint: "its output tells why; --verdict FILE and --comment FILE keep it, with the pods and their logs",
  });
}
