import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker, lines } from "../../support/docker.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { toolsImage } from "../cluster/machine.ts";
import { writeContext } from "../shop/context.ts";
import { commandLinesWith, filesWith } from "./search.ts";

const canary = { file: "canary-file-90c1e2d4", variable: "canary-variable/77+0a=" };
const traces = Object.values(canary).flatMap((value) => [
  value,
  encodeURIComponent(value),
  Buffer.from(value).toString("base64"),
]);

const mounts = [
  "--mount=type=secret,id=file",
  "--mount=type=secret,id=file,target=/root/.netrc,mode=440",
  "--mount=type=secret,id=variable,env=TOKEN,required=true",
  "--mount=type=secret,id=none,target=/run/secrets/deep/none",
].join(" ");
const facts = [
  "stat -L -c %a:%s /run/secrets/file /root/.netrc",
  "cmp /run/secrets/file /root/.netrc",
  'printf %s "$TOKEN" | wc -c',
  "ls /run/secrets",
  "if [ -e /run/secrets/deep ]; then echo none; fi",
].join(" && ");
const tell = 'cat /run/secrets/file; base64 /run/secrets/file; echo "url $TOKEN"; sleep 2';
const kubefile = [
  "FROM scratch",
  `RUN ${mounts} { ${facts}; } >facts && { ${tell}; }`,
  "RUN { env; find /run/secrets /root -type f -o -type l; } >later 2>&1 || true",
  "CMD true",
  "",
];

let home: CommandHome;
let registry: DockerRegistry;
let context: string;
const seen = { commandLines: new Set<string>(), containers: new Set<string>() };

beforeAll(async () => {
  [home, registry] = await Promise.all([commandHome(), startDockerRegistry()]);
  await writeFile(join(home.directory, "secret.txt"), canary.file);
  context = await writeContext(join(home.directory, "app"), { Kubefile: kubefile.join("\n") });
});

afterAll(async () => {
  await registry?.stop();
  await home?.remove();
});

/** Without a cluster: what a RUN gets does not depend on one. */
function build(flags: readonly string[], token: string = canary.variable): Promise<CommandResult> {
  const secrets = [
    "--secret",
    `id=file,src=${join(home.directory, "secret.txt")}`,
    "--secret",
    "id=variable,env=TOKEN",
  ];
  const common = ["--capture", "static", "--run-image", toolsImage, "--store", home.store, "--progress", "plain"];
  const report = ["--report", join(home.directory, "report.json")];
  return home.kubefile(["build", ...secrets, ...common, ...report, ...flags, context], {
    env: { TOKEN: token },
    during: watch,
  });
}

async function watch(runId: string, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    for (const line of await commandLinesWith(traces)) seen.commandLines.add(line);
    const ids = lines(await docker("ps", "--all", "--quiet", "--filter", `label=kubefile.run=${runId}`));
    for (const id of ids) {
      seen.containers.add(await docker("inspect", id).catch(() => ""));
      seen.containers.add(await docker("diff", id).catch(() => ""));
    }
    await sleep(50);
  }
}

const heldBy = (text: string): readonly string[] => traces.filter((trace) => text.includes(trace));

describe("a RUN in the launch container", () => {
  let built: CommandResult;
  beforeAll(async () => {
    const cache = `type=registry,ref=${registry.host}/demo/cache`;
    built = await build(["--tag", `${registry.host}/demo/app:1`, "--push", "--cache-to", cache]);
  });

  test("gets its secrets, as files of its own and variables, and the next RUN has none of them", async () => {
    expect(built).toMatchObject({ exitCode: 0 });
    const [facts, later] = await Promise.all([filesWith(home.store, "440:20"), filesWith(home.store, "PWD=/rootfs")]);
    expect([facts, later]).toEqual([[expect.any(String)], [expect.any(String)]]);
    const size = canary.file.length;
    const [layer = ""] = await filesWith(home.store, `400:${size}\n440:${size}\n${canary.variable.length}\nfile\n`);
    expect(layer).toBe(facts[0]);
    expect(await filesWith(home.store, "TOKEN=")).toEqual([]);
    expect(await filesWith(home.store, "/run/secrets/file\n")).toEqual([]);
  });

  test("shows nobody a value: not in what it prints, in the report, store, cache, registry or files of the run", async () => {
    expect(built.stderr).toContain("url ***");
    for (const text of [built.stdout, built.stderr, await readFile(join(home.directory, "report.json"), "utf8")]) {
      expect(heldBy(text)).toEqual([]);
    }
    for (const trace of traces) {
      for (const directory of [home.store, registry.storage, home.state, home.temporary]) {
        expect(await filesWith(directory, trace)).toEqual([]);
      }
    }
  });

  test("shows other users of the machine or the engine none either", () => {
    expect([...seen.containers].some((text) => text.includes('"/run/secrets"'))).toBe(true);
    expect([...seen.containers].flatMap(heldBy)).toEqual([]);
    expect([...seen.commandLines]).toEqual([]);
  });

  test("is cached whatever the value, and even without one", async () => {
    const other = await build([], "another-value-of-it");
    expect(other).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(await readFile(join(home.directory, "report.json"), "utf8"))).toMatchObject({
      steps: [{ state: "cached" }, { state: "cached" }],
    });
    const without = await build([], "");
    expect(without).toMatchObject({ exitCode: 0 });
    expect(without.stderr).toContain("the secret variable is not given to RUN: the variable TOKEN is not set");
  });
});

describe("a RUN that fails the build", () => {
  test("by what it leaves in the rootfs", async () => {
    const leak = "RUN --mount=type=secret,id=file,target=/etc/npmrc mkdir etc && base64 /etc/npmrc >etc/auth";
    await writeContext(context, { Kubefile: [...kubefile.slice(0, 2), leak, "CMD true", ""].join("\n") });
    const built = await build([]);
    expect(built).toMatchObject({ exitCode: 1 });
    expect(built.stderr).toMatch(
      /error\[SECRET_IN_ROOTFS\]: \S*Kubefile:3:1: .* has written a secret into "etc\/auth"/,
    );
    expect(heldBy(built.stderr)).toEqual([]);
    for (const trace of traces) expect(await filesWith(home.store, trace)).toEqual([]);
  });

  test("for want of a secret, before anything is run", async () => {
    const built = await build(["--no-cache"], "");
    expect(built).toMatchObject({ exitCode: 2 });
    expect(built.stderr).toMatch(
      /error\[SECRET_MISSING\]: \S*Kubefile:2:\d+: .* needs the secret variable, which was not given: the variable TOKEN is not set/,
    );
  });
});
