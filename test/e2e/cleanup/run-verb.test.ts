import { readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docker } from "../../support/docker.ts";
import { processesOf } from "../../support/home-processes.ts";
import { type CommandHome, type CommandResult, commandHome } from "../../support/kubefile-command.ts";
import { startCommand } from "../../support/running-command.ts";
import { podManifest, writeContext } from "../shop/context.ts";
import { startTinyApp, strangerImage, type TinyApp, tinyImage } from "./tiny-app.ts";
import { findRemains, takeTraces } from "./traces.ts";

const secret = "canary-5be1d07a";
const name = `demo-${process.pid}`;

let home: CommandHome;
let app: TinyApp;
let reference: string;
let started: CommandResult;
let kubeconfig: string;

beforeAll(async () => {
  home = await commandHome();
  app = await startTinyApp(home.directory);
  reference = `${app.registry.host}/demo/greeter:1`;
  const context = await writeContext(join(home.directory, "greeter"), {
    Kubefile: [
      "FROM scratch",
      "ENV GREETING=hello",
      "APP web local://manifests/web.yaml",
      "APP other local://manifests/other.yaml",
      'APPCMDS web ["kubectl create configmap greeting --from-literal=text=$GREETING && kubectl apply -f web.yaml"]',
      "LAUNCH other web",
      "",
    ].join("\n"),
    "manifests/web.yaml": podManifest("web", tinyImage),
    "manifests/other.yaml": podManifest("other", tinyImage),
  });
  const flags = ["--capture", "static", "--store", home.store, "--tag", reference, "--push"];
  const built = await home.kubefile(["build", ...app.mirror, ...flags, context]);
  expect(built).toMatchObject({ exitCode: 0 });
  started = await run(name, "--env", "GREETING=bonjour", "--app", "web");
  kubeconfig = /export KUBECONFIG=(\S+)/.exec(started.stdout)?.[1] ?? "";
});

afterAll(async () => {
  await home?.kubefile(["clean", "--all"]);
  await app?.stop();
  await home?.remove();
});

function run(cluster: string, ...flags: readonly string[]): Promise<CommandResult> {
  const settings = ["--store", home.store, "--quiet-window", "2s", "--name", cluster];
  return home.kubefile(["run", ...settings, ...flags, reference], { env: { CI_JOB_TOKEN: secret } });
}

/** kubectl as a user has it, with the kubeconfig that the command printed. */
function kubectl(...args: readonly string[]): Promise<string> {
  const mount = ["--volume", `${kubeconfig}:/kubeconfig:ro`];
  const image = ["--entrypoint", "kubectl", "kubefile-tools:dev", "--kubeconfig", "/kubeconfig"];
  return docker("run", "--rm", "--network", "host", ...mount, ...image, ...args);
}

/** Waits until a question is answered otherwise than by nothing. */
async function until(ask: () => Promise<string>, seconds = 60): Promise<string> {
  for (let second = 0; second < seconds; second += 1) {
    const answer = await ask();
    if (answer !== "") return answer;
    await sleep(1_000);
  }
  return "nothing";
}

/** The process that answers the cluster's pulls. */
async function serverPid(): Promise<string> {
  const servers = (await processesOf(home)).filter(({ command }) => command.includes(" serve "));
  expect(servers).toHaveLength(1);
  return servers[0]?.pid ?? "";
}

describe("a cluster that stays", () => {
  test("is told with its kubeconfig, and kubectl works with it", async () => {
    expect(started).toMatchObject({ exitCode: 0 });
    expect(started.stdout).toContain(`${reference} runs in cluster kubefile-${name}\n`);
    expect(kubeconfig).toBe(join(home.state, "runs", name, "kubeconfig"));
    expect((await stat(kubeconfig)).mode & 0o077).toBe(0);
    expect(await kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")).toBe(
      `kubefile-${name}-control-plane`,
    );
  });

  test("runs the applications that were asked for, with the values that were given", async () => {
    expect(await kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}")).toBe("web");
    expect(await kubectl("get", "configmap", "greeting", "-o", "jsonpath={.data.text}")).toBe("bonjour");
  });

  test("still gets the artifact's images when a pod comes later, and no other image, whatever is pruned", async () => {
    const pruned = await home.kubefile(["cache", "prune", "--all", "--store", home.store]);
    expect(pruned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("0 records stay\n") });
    const before = app.registry.log.length;
    await kubectl("run", "later", `--image=${tinyImage}`, "--image-pull-policy=Always");
    await kubectl("run", "stranger", `--image=${strangerImage}`, "--image-pull-policy=Always");
    const phase = () => kubectl("get", "pods", "later", "-o", "jsonpath={.status.phase}");
    expect(await until(async () => ((await phase()) === "Pending" ? "" : await phase()))).toBe("Running");
    const reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}";
    const waiting = (): Promise<string> => kubectl("get", "pods", "stranger", "-o", reason);
    expect(await until(async () => ((await waiting()) === "ContainerCreating" ? "" : await waiting()))).toMatch(
      /ErrImagePull|ImagePullBackOff/,
    );
    expect(app.registry.log.slice(before).filter((line) => line.includes("tiny/stranger"))).toEqual([]);
  });

  test("is served by a process of its own: no secret, no terminal, no directory of anybody's", async () => {
    const pid = await serverPid();
    const environment = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0").filter((entry) => entry !== "");
    const names = environment.map((entry) => entry.split("=")[0] ?? "");
    const allowed = /^(?:PATH|HOME|DOCKER_\w+|XDG_RUNTIME_DIR|SSH_AUTH_SOCK|KUBEFILE_RUN)$/;
    expect(names.filter((entry) => !allowed.test(entry))).toEqual([]);
    expect(environment.join("\n")).not.toContain(secret);
    expect(await readlink(`/proc/${pid}/cwd`)).toBe("/");
    // proc(5): after the name come state, parent, group, session, terminal.
    const [, , , session, terminal] =
      (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
    expect([session, terminal]).toEqual([pid, "0"]);
    for (const fd of ["0", "2"]) expect(await readlink(`/proc/${pid}/fd/${fd}`)).toBe("/dev/null");
  });

  test("keeps its name for itself", async () => {
    const again = await run(name);
    expect(again).toMatchObject({ exitCode: 2, stdout: "" });
    expect(again.stderr).toContain(`error[USAGE]: there is a run named ${name} already\n  hint: choose another --name`);
    expect(await kubectl("get", "pods", "web", "-o", "jsonpath={.status.phase}")).toBe("Running");
  });

  test("stays when clean removes the rest, and goes wholly by its name", async () => {
    const traces = await takeTraces(home);
    expect(traces).toEqual([
      { runId: name, volumes: [expect.any(String)], ports: [expect.stringMatching(/^[\d.]+:\d+$/)] },
    ]);
    const some = await home.kubefile(["clean"]);
    expect(some.stdout).toContain(`left 1 kept cluster: ${name}; --run NAME removes one, --all all of them\n`);
    expect(await kubectl("get", "pods", "web", "-o", "jsonpath={.status.phase}")).toBe("Running");
    await serverPid();
    const other = await home.kubefile(["clean", "--run", `${name}-2`]);
    expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`hint: kept here: ${name}\n`) });
    const all = await home.kubefile(["clean", "--all", "--dry-run"]);
    expect(all).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`would remove run ${name}\n`) });
    const named = await home.kubefile(["clean", "--run", name]);
    expect(named).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`removed run ${name}\n`) });
    expect(await findRemains(home, traces)).toEqual([]);
  });
});

test("a run that is killed before it has succeeded is not kept", async () => {
  const cluster = `${name}-killed`;
  const killed = startCommand(home, ["run", "--store", home.store, "--name", cluster, reference]);
  await killed.seen((event) => event.type === "phase-update" && /preparing nodes/i.test(event.text));
  const traces = await takeTraces(home);
  killed.child.kill("SIGKILL");
  await killed.ended;
  expect(await home.kubefile(["clean"])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(`removed run ${cluster}\n`),
  });
  expect(await findRemains(home, traces)).toEqual([]);
});
