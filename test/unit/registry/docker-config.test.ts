import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KubefileError } from "../../../src/error.ts";
import { helperRunner } from "../../../src/registry/credential-helper.ts";
import { combineCredentials } from "../../../src/registry/credentials.ts";
import { type DockerConfigOptions, dockerConfigCredentials } from "../../../src/registry/docker-config.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const auth = (text: string): string => Buffer.from(text).toString("base64");

async function configure(content: unknown, options: Partial<DockerConfigOptions> = {}) {
  const directory = await temporaryDirectory();
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await writeFile(join(directory, "config.json"), text);
  return dockerConfigCredentials({ directory, ...options });
}

/** Puts an executable script on a PATH of its own. */
async function installHelper(name: string, script: string): Promise<Record<string, string>> {
  const directory = join(await temporaryDirectory(), "bin");
  await mkdir(directory);
  await writeFile(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${directory}:/usr/bin:/bin`, LOG: join(directory, "log") };
}

describe("auths", () => {
  it.each<[string, string, string, string]>([
    ["https://index.docker.io/v1/", "docker.io", "library/nginx", "Docker Hub's old address"],
    ["index.docker.io", "docker.io", "library/nginx", "Docker Hub's name"],
    ["docker.io", "docker.io", "library/nginx", "Docker Hub's short name"],
    ["registry-1.docker.io", "docker.io", "a/b", "Docker Hub's host"],
    ["ghcr.io", "ghcr.io", "a/b", "a host"],
    ["GHCR.io", "ghcr.io", "a/b", "a host in upper case"],
    ["https://ghcr.io", "ghcr.io", "a/b", "a URL"],
    ["https://ghcr.io/v2/", "ghcr.io", "a/b", "a URL with a version"],
    ["registry.example:5000", "registry.example:5000", "a", "a port"],
    ["quay.io/team", "quay.io", "team/app", "a path"],
    ["quay.io/team/app", "quay.io", "team/app", "a whole name"],
  ])("under %s count for %s/%s (%s)", async (key, host, path) => {
    const source = await configure({ auths: { [key]: { auth: auth("me:pass:word") } } });
    expect(await source.credentials({ host, path })).toEqual([{ username: "me", password: "pass:word" }]);
    expect(source.hosts()).toEqual([host]);
  });

  it.each([
    ["ghcr.io", "evil-ghcr.io", "a"],
    ["ghcr.io", "ghcr.io.evil.net", "a"],
    ["registry.example:5000", "registry.example", "a"],
    ["registry.example", "registry.example:5000", "a"],
    ["quay.io/team", "quay.io", "teams/app"],
    ["quay.io/team", "quay.io", "other/app"],
    ["docker.io", "quay.io", "library/nginx"],
    ["*.example", "registry.example", "a"],
  ])("under %s do not count for %s/%s", async (key, host, path) => {
    const source = await configure({ auths: { [key]: { auth: auth("me:secret") } } });
    expect(await source.credentials({ host, path })).toEqual([]);
  });

  it.each<[string, unknown, unknown]>([
    ["a name and password apart", { username: "me", password: "secret" }, { username: "me", password: "secret" }],
    ["padding", { auth: auth("me:secret\0\0") }, { username: "me", password: "secret" }],
    [
      "an identity token",
      { auth: auth("00000000-0000:"), identitytoken: "refresh" },
      { username: "00000000-0000", password: "", identityToken: "refresh" },
    ],
    ["a password of umlauts", { auth: auth("me:Pässwörd") }, { username: "me", password: "Pässwörd" }],
    ["nothing", {}, undefined],
    ["null", null, undefined],
    ["text", "secret", undefined],
    ["an auth that is none", { auth: 7 }, undefined],
    ["an auth without a colon", { auth: auth("secret") }, undefined],
  ])("are read with %s", async (_what, entry, credential) => {
    const source = await configure({ auths: { "ghcr.io": entry } });
    const expected = credential === undefined ? [] : [credential];
    expect(await source.credentials({ host: "ghcr.io", path: "a" })).toEqual(expected);
  });

  it("of a path come before those of the host", async () => {
    const source = await configure({
      auths: {
        "quay.io": { auth: auth("host:x") },
        "quay.io/team/app": { auth: auth("app:x") },
        "quay.io/team": { auth: auth("team:x") },
      },
    });
    const found = await source.credentials({ host: "quay.io", path: "team/app" });
    expect(found.map(({ username }) => username)).toEqual(["app", "team", "host"]);
  });

  it("of a further file come first", async () => {
    const authFile = join(await temporaryDirectory(), "auth.json");
    await writeFile(authFile, JSON.stringify({ auths: { "ghcr.io": { auth: auth("first:x") } } }));
    const source = await configure({ auths: { "ghcr.io": { auth: auth("second:x") } } }, { authFile });
    const found = await source.credentials({ host: "ghcr.io", path: "a" });
    expect(found.map(({ username }) => username)).toEqual(["first", "second"]);
  });
});

describe("the file", () => {
  it("may be missing", async () => {
    const source = await dockerConfigCredentials({ directory: join(await temporaryDirectory(), "none") });
    expect(await source.credentials({ host: "ghcr.io", path: "a" })).toEqual([]);
    expect(source.hosts()).toEqual([]);
  });

  it.each([
    ["empty", ""],
    ["cut", '{"auths": {"ghcr.io": {"auth": "c4n4ry'],
  ])("that is %s is an error that does not quote it", async (_what, content) => {
    const error = await configure(content).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "REGISTRY", message: expect.stringMatching(/config\.json: it is not JSON$/) });
    expect(String(error)).not.toContain("c4n4ry");
  });

  it.each([
    ["[]"],
    ["null"],
    ["7"],
    ['{"auths": 7, "credHelpers": [], "credsStore": {}}'],
    ['{"auths":{"__proto__":{"auth":"x"}}}'],
  ])("that is %s holds nothing", async (content) => {
    const source = await configure(content);
    expect(await source.credentials({ host: "ghcr.io", path: "a" })).toEqual([]);
  });

  it("that is too large is an error", async () => {
    await expect(configure(JSON.stringify({ x: "x".repeat(1024 * 1024) }))).rejects.toMatchObject({
      message: expect.stringContaining("larger than"),
    });
  });
});

describe("a credential helper", () => {
  const answer = 'cat > "$LOG"; printf \'{"ServerURL":"x","Username":"me","Secret":"secret"}\'';

  it("of the host is asked before the store of all hosts and the file", async () => {
    const environment = await installHelper("host", answer);
    const source = await configure(
      {
        credHelpers: { "ghcr.io": "host" },
        credsStore: "missing",
        auths: { "ghcr.io": { auth: auth("file:x") } },
      },
      { runHelper: helperRunner(environment) },
    );
    const found = await source.credentials({ host: "ghcr.io", path: "a" });
    expect(found.map(({ username }) => username)).toEqual(["me", "file"]);
    expect(source.hosts()).toEqual(["ghcr.io"]);
  });

  it.each([
    ["docker.io", "https://index.docker.io/v1/"],
    ["registry.example:5000", "registry.example:5000"],
  ])("is asked about %s as %s", async (host, server) => {
    const environment = await installHelper("store", `${answer.replace("secret", "$(cat $LOG | tr -d '\\n')")}`);
    const seen: string[] = [];
    const run = helperRunner(environment);
    const source = await configure(
      { credsStore: "store" },
      {
        runHelper: async (program, asked) => {
          seen.push(`${program} ${asked}`);
          return run(program, asked);
        },
      },
    );
    expect(await source.credentials({ host, path: "a" })).toHaveLength(1);
    expect(seen).toEqual([`docker-credential-store ${server}`]);
  });

  it("is asked once in a while, not for each request", async () => {
    let now = 0;
    let asked = 0;
    const source = await configure(
      { credsStore: "store" },
      {
        clock: () => now,
        runHelper: async () => {
          asked++;
          return '{"Username":"me","Secret":"secret"}';
        },
      },
    );
    const ask = () => source.credentials({ host: "ghcr.io", path: "a" });
    await Promise.all([ask(), ask(), ask()]);
    await ask();
    expect(asked).toBe(1);
    now = 10 * 60_000;
    await ask();
    expect(asked).toBe(2);
  });

  it("may hold an identity token", async () => {
    const environment = await installHelper("acr", 'printf \'{"Username":"<token>","Secret":"refresh"}\'');
    const source = await configure({ credsStore: "acr" }, { runHelper: helperRunner(environment) });
    expect(await source.credentials({ host: "me.azurecr.io", path: "a" })).toEqual([
      { username: "", password: "", identityToken: "refresh" },
    ]);
  });

  it("may have nothing", async () => {
    const environment = await installHelper("none", "echo credentials not found in native keychain; exit 1");
    const problems: KubefileError[] = [];
    const source = await configure(
      { credsStore: "none" },
      { runHelper: helperRunner(environment), onProblem: (problem) => problems.push(problem) },
    );
    expect(await source.credentials({ host: "ghcr.io", path: "a" })).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("sees nothing of our environment but what it is given, and no shell sees its name", async () => {
    const environment = await installHelper(
      "env",
      'printf \'{"Username":"me","Secret":"%s"}\' "$(env | cut -d= -f1 | sort | tr "\\n" " ")"',
    );
    const source = await configure({ credsStore: "env" }, { runHelper: helperRunner(environment) });
    const [credential] = await source.credentials({ host: "ghcr.io", path: "a" });
    const names = credential?.password.trim().split(" ");
    expect(names?.filter((name) => !["LOG", "PATH", "PWD", "OLDPWD", "SHLVL", "_"].includes(name))).toEqual([]);
  });

  it.each<[string, string, string, string | RegExp]>([
    ["a path", "../../bin/sh", "exit 0", /is not a name of a credential helper/],
    ["a shell's words", "x; touch /tmp/evil", "exit 0", /is not a name of a credential helper/],
    ["upper case", "Store", "exit 0", /is not a name of a credential helper/],
    ["a program that is missing", "absent", "", /docker-credential-absent is not installed/],
    ["no JSON", "fails", "echo c4n4ry; exit 2", /^docker-credential-fails gave no credentials for ghcr\.io$/],
    ["half an answer", "half", 'echo \'{"Username":"c4n4ry"}\'', /gave no credentials/],
    [
      "no end",
      "endless",
      "while :; do echo 0123456789012345678901234567890123456789; done",
      /printed more than 65536 bytes/,
    ],
  ])("with %s is reported and passed over", async (_what, name, script, message) => {
    const environment =
      script === "" ? { PATH: "/nonexistent" } : await installHelper(name.replaceAll(/[^a-z]/g, ""), script);
    const problems: KubefileError[] = [];
    const source = await configure(
      { credsStore: name, auths: { "ghcr.io": { auth: auth("file:x") } } },
      { runHelper: helperRunner(environment), onProblem: (problem) => problems.push(problem) },
    );
    const found = await source.credentials({ host: "ghcr.io", path: "a" });
    expect(found.map(({ username }) => username)).toEqual(["file"]);
    expect(problems.map((problem) => problem.message)).toEqual([expect.stringMatching(message)]);
    expect(JSON.stringify(problems)).not.toContain("c4n4ry");
  });
});

describe("combineCredentials", () => {
  it("keeps the order of its sources", async () => {
    const source = (username: string) => ({ credentials: async () => [{ username, password: "x" }] });
    const combined = combineCredentials(source("a"), { credentials: async () => [] }, source("b"));
    const found = await combined.credentials({ host: "ghcr.io", path: "a" });
    expect(found.map(({ username }) => username)).toEqual(["a", "b"]);
  });
});

describe("a configuration handed over as text", () => {
  const inline = (text: string) => ({ inline: { name: "DOCKER_AUTH_CONFIG", text } });

  it("comes before the file", async () => {
    const file = { auths: { "ghcr.io": { auth: auth("file:one") }, "quay.io": { auth: auth("file:two") } } };
    const text = JSON.stringify({ auths: { "ghcr.io": { auth: auth("text:three") } } });
    const source = await configure(file, inline(text));
    expect(await source.credentials({ host: "ghcr.io", path: "a" })).toEqual([
      { username: "text", password: "three" },
      { username: "file", password: "one" },
    ]);
    expect(await source.credentials({ host: "quay.io", path: "a" })).toEqual([{ username: "file", password: "two" }]);
    expect(source.hosts()).toEqual(["ghcr.io", "quay.io"]);
  });

  it("that is not JSON is refused by its name, without a word of it", async () => {
    const refused = configure({}, inline('{"auths": hunter2'));
    await expect(refused).rejects.toMatchObject({
      code: "REGISTRY",
      message: "cannot use the registry credentials in DOCKER_AUTH_CONFIG: it is not JSON",
    } satisfies Partial<KubefileError>);
  });
});
