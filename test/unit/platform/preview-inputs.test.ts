import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type PreviewFlags, resolvePreview } from "../../../src/platform/preview-inputs.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { commandContext } from "../cli/command.ts";

const temporaryDirectory = temporaryDirectories();

async function context(env: Readonly<Record<string, string>> = {}): Promise<ReturnType<typeof commandContext>> {
  const cwd = await temporaryDirectory();
  await mkdir(join(cwd, "shop"));
  await writeFile(
    join(cwd, "shop/kubefile.yaml"),
    'tag: [registry.example/shop:1.0]\npush: true\noutput: ["type=oci,dest=shop.tar"]\ntimeout: 3m\n',
  );
  return commandContext({ cwd, env });
}

async function resolve(subject: string, flags: PreviewFlags = {}, env: Readonly<Record<string, string>> = {}) {
  return (await resolvePreview(subject, flags, await context(env))).options;
}

describe("resolvePreview", () => {
  it("takes a directory for a context, and pushes to none of the names of kubefile.yaml", async () => {
    const options = await resolve("shop");
    expect(options.subject).toMatchObject({
      kind: "context",
      build: { tags: [], push: false, outputs: [], timeout: 180_000 },
    });
    expect(options.launch.timeout).toBe(180_000);
  });

  it("pushes to the names that it is given", async () => {
    const options = await resolve("shop", { tag: ["registry.example/shop:pr-1"], push: true });
    expect(options.subject).toMatchObject({ build: { push: true, tags: [{ tag: "pr-1" }] } });
  });

  it("takes anything else for a cluster image", async () => {
    expect((await resolve("registry.example/shop:pr-1")).subject).toMatchObject({
      kind: "image",
      reference: { tag: "pr-1" },
    });
    await expect(resolve("./shpo")).rejects.toMatchObject({ code: "USAGE", message: "./shpo is not a directory" });
  });

  it("gives each forwarded port a variable", async () => {
    const { forwards } = await resolve("shop", {
      portForward: ["svc/web:80", "ADMIN=shop/deploy/admin-ui:http", "pod/1st:1"],
    });
    expect(forwards.map(({ variable, target }) => [variable, target.shown])).toEqual([
      ["WEB_URL", "svc/web:80"],
      ["ADMIN", "shop/deploy/admin-ui:http"],
      ["_1ST_URL", "pod/1st:1"],
    ]);
  });

  it.each([
    [["svc/web:80", "svc/web:81"], "two ports are to be told in WEB_URL"],
    [["path=svc/web:80"], '--port-forward: "path" is not the name of a variable'],
  ])("refuses %j", async (portForward, message) => {
    await expect(resolve("shop", { portForward })).rejects.toMatchObject({ code: "USAGE", message });
  });

  it("gives a test what it needs of the environment, what is named, and nothing else", async () => {
    const env = {
      ...{ PATH: "/bin", HOME: "/root", GITHUB_SHA: "abc", GITHUB_TOKEN: "secret", "INPUT_REGISTRY-AUTHS": "secret" },
      ...{ GITHUB_ENV: "/env", ACTIONS_RUNTIME_TOKEN: "secret", STAGE: "dev", DOCKER_AUTH_CONFIG: "secret" },
    };
    const { test } = await resolve(
      "shop",
      { test: "true", testEnv: ["STAGE", "NONE", "MODE=fast"], testTimeout: 5 },
      env,
    );
    expect(test).toMatchObject({ command: "true", timeout: 5 });
    expect(test?.environment).toEqual({ PATH: "/bin", HOME: "/root", GITHUB_SHA: "abc", STAGE: "dev", MODE: "fast" });
    await expect(resolve("shop", { test: "true", testEnv: ["A-B"] })).rejects.toMatchObject({ code: "USAGE" });
  });
});
