import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PreviewVerdict } from "../../../src/pipeline/preview-verdict.ts";
import { type BuildkitDaemon, startBuildkitDaemon } from "../../support/buildkit-daemon.ts";
import { type CommandHome, type CommandResult, commandHome, leftovers } from "../../support/kubefile-command.ts";
import { busybox } from "../../support/shop/images.ts";
import { type PageApp, startPageApp } from "./page-app.ts";

const secret = "canary-71c0ffee";

let home: CommandHome;
let app: PageApp;
let daemon: BuildkitDaemon;
let server: string;
let verdictFile: string;
let commentFile: string;

beforeAll(async () => {
  [home, daemon] = await Promise.all([commandHome(), startBuildkitDaemon()]);
  app = await startPageApp(home.directory);
  server = await writeServer();
  verdictFile = join(home.directory, "verdict.json");
  commentFile = join(home.directory, "comment.md");
});

afterAll(async () => {
  await Promise.all([app?.stop(), daemon?.stop()]);
  await home?.remove();
});

interface Previewed extends CommandResult {
  readonly verdict: PreviewVerdict;
  readonly comment: string;
}

async function preview(...flags: readonly string[]): Promise<Previewed> {
  const files = ["--store", home.store, "--verdict", verdictFile, "--comment", commentFile];
  const built = ["--build-image", `ref=docker.io/page/web:1,context=${server}`];
  const result = await home.kubefile(["preview", ...app.flags, ...built, ...files, ...flags], {
    env: {
      ...{ GITHUB_TOKEN: secret, INPUT_TOKEN: secret },
      ...{ BUILDKIT_HOST: daemon.host, PATH: `${daemon.programs}:${process.env.PATH ?? ""}` },
    },
  });
  expect(await leftovers(home, result.runIds)).toEqual([]);
  const verdict: PreviewVerdict = JSON.parse(await readFile(verdictFile, "utf8"));
  return { ...result, verdict, comment: await readFile(commentFile, "utf8") };
}

/** The page's server from a Dockerfile; the image that its registry has under that name says something else. */
async function writeServer(): Promise<string> {
  const context = join(home.directory, "server");
  await mkdir(context);
  await writeFile(join(context, "busybox"), await busybox(), { mode: 0o755 });
  const start = "/bin/busybox echo 'serving what was built'; exec /bin/busybox httpd -f -vv -p 8080 -h /srv";
  const dockerfile = ["FROM scratch", "COPY busybox /bin/", `ENTRYPOINT ["/bin/busybox", "sh", "-c", "${start}"]`, ""];
  await writeFile(join(context, "Dockerfile"), dockerfile.join("\n"));
  return context;
}

describe("a preview", () => {
  let passed: Previewed;
  beforeAll(async () => {
    const values = join(home.directory, "values.yaml");
    await writeFile(values, "page: { greeting: good day }\n");
    const script = join(home.directory, "test.sh");
    await writeFile(
      script,
      [
        "set -eu",
        'curl --silent --show-error --fail --max-time 20 "$WEB_URL"',
        'curl --silent --show-error --fail --max-time 20 "$PAGE/index.html" >/dev/null',
        "env | cut -d= -f1 | sort | tr '\\n' ' '",
        'kubeconfig=$(stat -c %a $KUBECONFIG); echo; echo "kubeconfig $kubeconfig"',
        "sleep 600 &",
      ].join("\n"),
    );
    passed = await preview(
      ...["--port-forward", "svc/web:80", "--port-forward", "PAGE=default/deploy/web:page"],
      ...["--values", `page=${values}`, "--test", `sh ${script}`, app.context],
    );
  });

  test("launches what was built, runs the test against it, and leaves nothing", () => {
    expect(passed).toMatchObject({ exitCode: 0, verdict: { verdict: "passed", test: { exitCode: 0 } } });
    expect(passed.verdict.test?.output.split("\n")[0]).toBe("good day world");
    expect(passed.verdict.pods).toEqual([
      {
        namespace: "default",
        name: expect.stringMatching(/^web-/),
        status: "Running",
        healthy: true,
        ready: "1/1",
        restarts: 0,
      },
    ]);
    expect(passed.verdict.logs.map(({ text }) => text).join("\n")).toContain("serving what was built");
  });

  test("gives the test a kubeconfig and addresses, and nothing of this environment that is secret", () => {
    const [, names = "", kubeconfig] = passed.verdict.test?.output.split("\n") ?? [];
    expect(names.split(" ")).toEqual(expect.arrayContaining(["KUBECONFIG", "PAGE", "PATH", "WEB_URL"]));
    expect(names).not.toMatch(/TOKEN|INPUT/);
    expect(kubeconfig).toBe("kubeconfig 600");
  });

  test("tells of it in a comment", () => {
    expect(passed.comment).toContain("### ✅ Preview passed");
    expect(passed.comment).toContain("1 pod started with the network cut");
    expect(passed.comment).toMatch(/\| ✅ \| `default\/web-[\w-]+` \| `Running` \| `1\/1` \| 0 \|/);
    expect(passed.comment).toContain("  section launch\n");
    expect(passed.comment + JSON.stringify(passed.verdict)).not.toContain(secret);
  });

  test("whose test fails says so, with what it printed", async () => {
    const failed = await preview("--test", "echo broken; exit 7", app.context);
    expect(failed).toMatchObject({
      exitCode: 1,
      verdict: { verdict: "failed", failure: { part: "test", code: "TEST_FAILED" }, test: { output: "broken" } },
    });
    expect(failed.stderr).toContain('error[TEST_FAILED]: test "echo broken; exit 7" ended with exit code 7');
    expect(failed.comment).toContain("### ❌ Preview failed");
    expect(failed.comment).toMatch(/^npx --yes kubefile-ci@\S+ preview .*--test 'echo broken; exit 7' /m);
    expect(
      failed.verdict.events.map(({ object }) => object).filter((object) => /kubefile-canary/.test(object)),
    ).toEqual([]);
    const [, bundle = ""] = /events, logs and objects are kept in (\S+)/.exec(failed.stderr) ?? [];
    expect(await readFile(join(bundle, "failure.json"), "utf8")).toContain("TEST_FAILED");
    expect(await readFile(join(bundle, "pods.json"), "utf8")).toContain('"name": "web-');
  });
});
