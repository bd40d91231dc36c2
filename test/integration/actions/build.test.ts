import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type ActionRunner, actionRunner, node24 } from "../../support/action-run.ts";
import { startTokenAuthRegistry, type TokenAuthRegistry } from "../../support/token-auth-registry.ts";

const release = inject("release");
const password = "c4n4ry/p@ss word";
const noEngine = { DOCKER_HOST: "unix:///nowhere/docker.sock" };

let registry: TokenAuthRegistry;
let runner: ActionRunner;

beforeAll(async () => {
  registry = await startTokenAuthRegistry({ users: [{ username: "robot", password, repositories: ["team/shop"] }] });
});
afterAll(() => registry.stop());
beforeEach(async () => {
  runner = await actionRunner(release);
});
afterEach(() => runner.remove());

async function context(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(runner.workspace, name, ".."), { recursive: true });
    await writeFile(join(runner.workspace, name), content);
  }
}

const small = { "deploy/Kubefile": "FROM scratch\nCOPY etc etc\nCMD kubectl version\n", "deploy/etc/a.txt": "a\n" };

describe("the root action", () => {
  test("builds, logs in with registry-auths, pushes, and hands on what came of it", async () => {
    await context(small);
    const tag = `${registry.host}/team/shop:1.0`;
    const result = await runner.run("build", {
      env: noEngine,
      inputs: {
        context: "deploy",
        capture: "static",
        tags: `${tag},${registry.host}/team/shop:latest`,
        push: "true",
        insecure: registry.host,
        labels: "com.example.team=checkout",
        annotations:
          "manifest:org.opencontainers.image.title=Shop = all\norg.opencontainers.image.source=https://a.example",
        "registry-auths": JSON.stringify([{ registry: registry.host, username: "robot", password }]),
      },
    });
    expect({ exitCode: result.exitCode, first: result.log[0] }).toEqual({
      exitCode: 0,
      first: expect.stringMatching(/^kubefile build \d/),
    });
    const { digest = "", reference, report = "", images, metadata = "" } = result.outputs;
    expect(reference).toBe(`${registry.host}/team/shop@${digest}`);
    expect({ images, grade: result.outputs.grade }).toEqual({ images: "[]", grade: "static" });
    expect(JSON.parse(metadata)).toMatchObject({ "containerimage.digest": digest });
    expect(JSON.parse(await readFile(report, "utf8"))).toMatchObject({ digest, references: [tag, expect.anything()] });
    expect(result.summary).toContain(`\`${digest}\``);
    const { stdout } = await promisify(execFile)("skopeo", [
      ...["inspect", "--raw", "--tls-verify=false", `--creds=robot:${password}`, `docker://${tag}`],
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      annotations: {
        "org.opencontainers.image.source": "https://a.example",
        "org.opencontainers.image.title": "Shop = all",
      },
    });
    expect(result.outputs["cache-hit"]).toBe("false");
    // The runner masks each form from its command on; none is printed in another way.
    const masked = result.log.flatMap((line) => /^::add-mask::(.*)$/.exec(line)?.[1]?.replaceAll("%25", "%") ?? []);
    const pair = Buffer.from(`robot:${password}`).toString("base64");
    expect(masked).toEqual(expect.arrayContaining([password, encodeURIComponent(password), pair]));
    const rest = result.log.filter((line) => !line.startsWith("::add-mask::")).join("\n") + result.summary;
    for (const form of [password, encodeURIComponent(password), pair]) expect(rest).not.toContain(form);
  });

  test("gives RUN the job's secrets, and shows them to nobody, whatever comes of it", async () => {
    const value = "c4n4ry/t0ken + more";
    const forms = [value, encodeURIComponent(value), Buffer.from(value).toString("base64")];
    const say = 'echo "has $TOKEN"; printf %s "$TOKEN" | base64; test ! -e fails';
    const step = `RUN --mount=type=secret,id=token,env=TOKEN ${say}`;
    const inputs = { capture: "static", run: "host", secrets: `"token=${value}"` };
    await context({ Kubefile: `FROM scratch\nCOPY etc etc\n${step}\nCMD true\n`, "etc/a.txt": "a\n" });
    const built = await runner.run("build", { env: noEngine, inputs });
    await context({ Kubefile: `FROM scratch\nCOPY etc fails\n${step}\nCMD true\n` });
    const failed = await runner.run("build", { env: noEngine, inputs });
    expect([built.exitCode, failed.exitCode]).toEqual([0, 1]);
    expect(failed.summary).toMatch(/npx .* build --capture static --run host --secret id=token/);
    for (const { log, summary, outputs } of [built, failed]) {
      const shown = log.filter((line) => !line.startsWith("::add-mask::"));
      expect(shown).toContainEqual(expect.stringContaining("has ***"));
      const report = await readFile(outputs.report ?? "", "utf8");
      for (const form of forms) expect([...shown, summary, report].join("\n")).not.toContain(form);
      const masked = log.flatMap((line) => /^::add-mask::(.*)$/.exec(line)?.[1]?.replaceAll("%25", "%") ?? []);
      expect(masked).toEqual(expect.arrayContaining(forms));
    }
  });

  test("folds the log by phase, and says what came of each in the open", async () => {
    await context({ Kubefile: small["deploy/Kubefile"], "etc/a.txt": "a\n" });
    const { log } = await runner.run("build", { env: noEngine, inputs: { capture: "static" } });
    const marks = log.filter((line) => /^::(?:group|endgroup)::/.test(line)).map((line) => line.split("::")[1]);
    expect(marks).toEqual(marks.map((_, position) => (position % 2 === 0 ? "group" : "endgroup")));
    expect(log).toContainEqual(expect.stringMatching(/^ *\d+\.\ds \* rootfs: 1 layer/));
  });

  test("compares a pull request's image with that of its base branch, on the page", async () => {
    await context(small);
    const login = JSON.stringify([{ registry: registry.host, username: "robot", password }]);
    const job = {
      ...noEngine,
      ...{ GITHUB_REF: "refs/pull/12/merge", GITHUB_BASE_REF: "main", GITHUB_SHA: "a".repeat(40) },
    };
    const build = (tag: string) =>
      runner.run("build", {
        env: job,
        inputs: {
          ...{ context: "deploy", capture: "static", push: "true", insecure: registry.host, "registry-auths": login },
          tags: `${registry.host}/team/shop:${tag}`,
        },
      });
    const first = await build("main");
    expect(first.exitCode).toBe(0);
    expect(first.summary).not.toContain("#### Changes");
    expect(first.log.join("\n")).toContain("team/shop:main is not there to compare with");
    await context({ "deploy/etc/a.txt": "b\n" });
    const changed = await build("pr-12");
    expect(changed.exitCode).toBe(0);
    expect(changed.summary).toContain(`#### Changes\n\nFrom \`${registry.host}/team/shop:main\``);
    expect(changed.summary).toMatch(/\| changed \| `etc\/a\.txt` \|/);
  });

  test("says when all was known from an earlier build", async () => {
    await context(small);
    const build = () => runner.run("build", { env: noEngine, inputs: { context: "deploy", capture: "static" } });
    const [first, second] = [await build(), await build()];
    expect([first, second].map(({ outputs }) => outputs["cache-hit"])).toEqual(["false", "true"]);
    expect(second.outputs.digest).toBe(first.outputs.digest);
  });

  test("needs an engine to verify, and says so before anything is built", async () => {
    await context(small);
    const inputs = { context: "deploy", capture: "static", verify: "true", tags: `${registry.host}/team/shop:3` };
    const { exitCode, log } = await runner.run("build", { env: noEngine, inputs });
    expect({ exitCode, code: /error\[(\w+)\]/.exec(log.join("\n"))?.[1] }).toEqual({
      ...{ exitCode: 3, code: "ENGINE_MISSING" },
    });
  });

  test("marks every problem of a Kubefile on its line, from the root of the repository", async () => {
    await context({ "deploy/Kubefile": "FROM scratch\nCOPPY a b\nLAUNCH [a]\n" });
    const result = await runner.run("build", { inputs: { context: "deploy" } });
    expect(result.exitCode).toBe(2);
    expect(result.log.filter((line) => line.startsWith("::error"))).toEqual([
      expect.stringMatching(/^::error file=deploy\/Kubefile,line=2,col=1,title=unknown-instruction::/),
      expect.stringMatching(/^::error file=deploy\/Kubefile,line=3,col=8,title=unquoted-json::/),
    ]);
    expect(result.summary).toContain("### ❌ `deploy/Kubefile` was not built");
    expect(JSON.parse(await readFile(result.outputs.report ?? "", "utf8"))).toMatchObject({
      failure: { code: "KUBEFILE_INVALID" },
    });
  });

  test("tells a runner that cannot rehearse what is missing, and what reading files alone would come to", async () => {
    await context(small);
    const result = await runner.run("build", { env: noEngine, inputs: { context: "deploy" } });
    expect(result.exitCode).toBe(3);
    expect(result.log.join("\n")).toMatch(
      /error\[ENGINE_MISSING\]: no Docker Engine answers.*\n {2}hint: install .* `kubefile build --capture static` needs none, but finds only/,
    );
    expect(result.log).toContainEqual(expect.stringMatching(/^::error title=ENGINE_MISSING::/));
    expect(result.summary).toContain("error[ENGINE_MISSING]");
  });

  test("tells every input that cannot be read", async () => {
    const { exitCode, log } = await runner.run("build", { inputs: { push: "yes", timeout: "10", wait: "soon" } });
    expect(exitCode).toBe(2);
    expect(log.join("\n")).toMatch(/push "yes" .*\n.*wait "soon" .*\n.*timeout "10" is not a duration/);
  });

  test("keeps its inputs and the runner's tokens from programs that it starts", async () => {
    await context(small);
    const seen = join(runner.directory, "seen");
    const bin = join(runner.directory, "bin");
    await mkdir(bin);
    await mkdir(join(runner.directory, ".docker"));
    await writeFile(join(bin, "docker-credential-spy"), `#!/bin/sh\nenv >> ${seen}\necho '{}'\n`);
    await chmod(join(bin, "docker-credential-spy"), 0o755);
    await writeFile(join(runner.directory, ".docker", "config.json"), JSON.stringify({ credsStore: "spy" }));
    await runner.run("build", {
      env: {
        ...noEngine,
        PATH: `${bin}:${runner.environment.PATH}`,
        ACTIONS_RUNTIME_TOKEN: "c4n4ry",
        AWS_PROFILE: "ci",
      },
      inputs: {
        ...{ context: "deploy", capture: "static", push: "true", tags: `${registry.host}/team/shop:2` },
        ...{ insecure: registry.host, "build-args": "A=c4n4ry" },
        "registry-auths": "- {registry: other.example, username: u, password: c4n4ry}",
      },
    });
    const environment = await readFile(seen, "utf8");
    expect(environment).toContain("AWS_PROFILE=ci");
    expect(environment).not.toContain("c4n4ry");
  });

  test("remembers its run for the step after the job, which finds nothing left", async () => {
    await context(small);
    const result = await runner.run("build", { env: noEngine, inputs: { context: "deploy", capture: "static" } });
    expect(result.state.run).toMatch(/^[0-9a-f]{10}$/);
    const post = await runner.run("teardown", { env: { ...noEngine, STATE_run: result.state.run ?? "" } });
    expect({ exitCode: post.exitCode, log: post.log.slice(1) }).toEqual({
      exitCode: 0,
      log: [`nothing of run ${result.state.run} is left`],
    });
    expect(await runner.run("teardown", { env: noEngine })).toMatchObject({ exitCode: 0, log: [expect.anything()] });
    expect(await readdir(join(runner.directory, ".local", "state", "kubefile", "runs"))).toEqual([]);
  });
});

test("the log begins within 0.4 s, not counting what Node itself takes on a busy machine", async () => {
  const [times, bare]: number[][] = [[], []];
  for (let run = 0; run < 5; run += 1) {
    times?.push((await runner.run("build", { inputs: { wait: "?" } })).firstLine);
    bare?.push(await firstOutput(["-e", "console.log()"]));
  }
  expect(Math.min(...(times ?? [])) - Math.min(...(bare ?? []))).toBeLessThan(300);
});

async function firstOutput(args: readonly string[]): Promise<number> {
  const node = await node24();
  const start = performance.now();
  await promisify(execFile)(node, args);
  return performance.now() - start;
}
