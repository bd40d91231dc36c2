import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BuildSecrets } from "../../../src/pipeline/build-secrets.ts";
import { type BuiltInProcess, buildInProcess } from "../../support/build-in-process.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { type GitRepository, gitRepository } from "../../support/git-repository.ts";
import { type GitServer, startGitServer } from "../../support/git-server.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";

const createDirectory = temporaryDirectories();

let root: string;
let server: GitServer;
let app: GitRepository;
let first: string;
let url: string;

function repository(name: string): GitRepository {
  const directory = join(root, "repositories", name);
  mkdirSync(directory, { recursive: true });
  const made = gitRepository(directory);
  made.git("init", "--quiet");
  return made;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kubefile-git-test-"));
  app = repository("app.git");
  server = await startGitServer({
    directory: join(root, "repositories"),
    redirects: { "moved.git": "http://127.0.0.1:1" },
  });
  url = `${server.origin}/app.git`;
  writeFileSync(join(app.directory, "run.sh"), "#!/bin/sh\n");
  chmodSync(join(app.directory, "run.sh"), 0o700);
  symlinkSync("run.sh", join(app.directory, "link"));
  first = app.commit("one", { "README.md": "one\n", "charts/shop/Chart.yaml": "name: shop\n" });
  app.git("tag", "--annotate", "v1", "--message", "v1");
});
afterAll(async () => {
  await server?.stop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(() => server.forget());

interface Request {
  /** Where the build is, when more than one is to be there. */
  readonly directory?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly authorities?: string;
}

async function build(lines: readonly string[], { directory, secrets = {}, authorities }: Request = {}) {
  const given: BuildSecrets = new Map(
    Object.entries(secrets).map(([id, value]) => [id, { kind: "value", reveal: () => Buffer.from(value) }]),
  );
  const variables = { PATH: process.env.PATH ?? "" };
  return buildInProcess({
    directory: directory ?? (await createDirectory()),
    files: { Kubefile: ["FROM scratch", ...lines, "CMD true", ""].join("\n") },
    options: { secrets: given },
    host: { gitEnvironment: async () => ({ variables, authorities }) },
  });
}

const fetches = (): number => server.requests.filter((request) => request.startsWith("POST")).length;
const reasons = ({ report }: BuiltInProcess) => report.steps.map(({ state, reason }) => reason ?? state);

describe("what ADD takes of a repository", () => {
  test("the files of its HEAD, with modes of ours and no trace of git; two builds are the same", async () => {
    const [one, other] = [await build([`ADD ${url} src/`]), await build([`ADD ${url} src/`])];
    expect(one.layers).toEqual([
      [
        "src/",
        "src/README.md",
        "src/charts/",
        "src/charts/shop/",
        "src/charts/shop/Chart.yaml",
        "src/link",
        "src/run.sh",
      ],
    ]);
    expect(one.image.digest).toBe(other.image.digest);
  });

  test.each([
    ["a branch", "main"],
    ["an annotated tag", "v1"],
    ["a full name", "refs/tags/v1"],
  ])("a directory of %s", async (_name, ref) => {
    const { layers } = await build([`ADD ${url}#${ref}:charts/shop charts/shop/`]);
    expect(layers).toEqual([["charts/", "charts/shop/", "charts/shop/Chart.yaml"]]);
  });

  test("a commit, which nobody has to be asked for", async () => {
    const { readText } = await build([`ADD --checksum=${first.slice(0, 12)} ${url}#${first} .`]);
    expect(readText("README.md")).toBe("one\n");
    expect(server.requests.some((request) => request.includes("ls-refs"))).toBe(false);
  });

  test("a tag of a server that knows commits by their names alone", async () => {
    const old = await startGitServer({ directory: join(root, "repositories"), isOld: true });
    try {
      const tagged = repository("tagged.git");
      tagged.commit("one", { a: "one\n" });
      tagged.git("tag", "--annotate", "v1", "--message", "v1");
      tagged.commit("two", { a: "two\n" });
      const { readText } = await build([`ADD ${old.origin}/tagged.git#v1 .`]);
      expect(readText("a")).toBe("one\n");
    } finally {
      await old.stop();
    }
  });

  test("an application", async () => {
    const directory = await createDirectory();
    const { image } = await buildInProcess({
      directory,
      files: { Kubefile: `FROM scratch\nAPP shop ${url}#v1:charts\nAPPCMDS shop ["sh", "x"]\nLAUNCH shop\n` },
    });
    expect(image.config.launch.commands).toMatchObject([{ command: "sh x", directory: "application/apps/shop" }]);
  });
});

describe("a repository that is read again", () => {
  test("costs one question when nothing has moved, and tells what has", async () => {
    const directory = await createDirectory();
    await build([`ADD ${url}#main src/`], { directory });
    const whole = fetches();
    server.forget();
    const same = await build([`ADD ${url}#main src/`], { directory });
    expect(reasons(same)).toEqual(["cached"]);
    expect(fetches()).toBeLessThan(whole);
    const second = app.commit("two", { "README.md": "two\n" });
    const moved = await build([`ADD ${url}#main src/`], { directory });
    expect(moved.readText("src/README.md")).toBe("two\n");
    expect(reasons(moved)).toEqual([`${url}#main moved from ${first.slice(0, 12)} to ${second.slice(0, 12)}`]);
  });
});

describe("a repository that means harm", () => {
  test("runs nothing: attributes, filters, hooks and templates of it are but files", async () => {
    const hostile = repository("hostile.git");
    const trap = join(root, "trap");
    hostile.commit("files", {
      ".gitattributes": [
        "* filter=evil ident text eol=crlf export-subst",
        "hidden export-ignore",
        "wide working-tree-encoding=ISO-8859-1",
        "",
      ].join("\n"),
      ".gitconfig": `[filter "evil"]\n\tsmudge = touch ${trap}\n`,
      "hooks/post-checkout": `#!/bin/sh\ntouch ${trap}\n`,
      hidden: "there\n",
      plain: "$Format:%H$ $Id$\n",
      wide: "\u00e9\n",
    });
    const { readText, layers } = await build([`ADD ${server.origin}/hostile.git .`]);
    const inRepository = ["plain", "hidden", "wide"].map((file) => hostile.git("cat-file", "-p", `HEAD:${file}`));
    expect(inRepository).toEqual(["$Format:%H$ $Id$", "there", "\u00c3\u00a9"]);
    expect(["plain", "hidden", "wide"].map((file) => readText(file).trimEnd())).toEqual(inRepository);
    expect(layers.flat()).toContain("hooks/post-checkout");
    await expect(readFile(trap)).rejects.toThrow("ENOENT");
  });

  test("cannot lead out by links, in either way", async () => {
    const links = repository("links.git");
    symlinkSync("/etc", join(links.directory, "absolute"));
    symlinkSync("../../etc", join(links.directory, "climbing"));
    links.commit("links", { a: "" });
    await expect(build([`ADD ${server.origin}/links.git x/`])).rejects.toMatchObject({
      code: "UNSAFE_ARCHIVE",
      message: expect.stringMatching(/"absolute".* is absolute.*\n.*"climbing".* leads out/),
      where: { line: 2 },
    });
  });

  test("cannot name places outside of the tree, nor git's own", async () => {
    const forged = repository("forged.git");
    const blob = forged.git("hash-object", "-w", "--stdin");
    // Names that git itself would not add: the tree is written by hand.
    for (const [position, name] of [".git", ".."].entries()) {
      const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, "hex")]);
      writeFileSync(join(root, "entry"), entry);
      const tree = forged.git("hash-object", "-t", "tree", "-w", "--literally", join(root, "entry"));
      forged.git("update-ref", `refs/heads/x${position}`, forged.git("commit-tree", "-m", "x", tree));
      await expect(build([`ADD ${server.origin}/forged.git#x${position} x/`])).rejects.toMatchObject({
        code: "FETCH_FAILED",
      });
    }
  });

  test("with a submodule is refused, with the path that lacks", async () => {
    const parent = repository("parent.git");
    parent.commit("files", { "docs/a": "a" });
    parent.git("update-index", "--add", "--cacheinfo", `160000,${first},vendor/app`);
    parent.git("commit", "--quiet", "--message", "submodule");
    await expect(build([`ADD ${server.origin}/parent.git .`])).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining('"vendor/app" of the commit '),
    });
    const { layers } = await build([`ADD ${server.origin}/parent.git#:docs docs/`]);
    expect(layers).toEqual([["docs/", "docs/a"]]);
  });
});

describe("what is not there", () => {
  test.each([
    ["/app.git#none", "FETCH_FAILED", /app\.git has no branch or tag none$/],
    ["/app.git#main:none", "SOURCE_MISSING", /has no directory "none"$/],
    ["/app.git#main:README.md", "SOURCE_MISSING", /has no directory "README.md"$/],
    ["/none.git", "FETCH_FAILED", /^cannot fetch http.*none\.git: .*not found/],
    [`/app.git#${"0".repeat(39)}1`, "FETCH_FAILED", /^cannot fetch .*0001/],
    ["/moved.git", "FETCH_FAILED", /^cannot fetch .*moved\.git: .*30[12]/],
  ])("%s", async (path, code, message) => {
    await expect(build([`ADD ${server.origin}${path} .`])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      where: { file: "Kubefile", line: 2 },
    });
  });

  test("a commit other than the one that is written", async () => {
    await expect(build([`ADD --checksum=0123456 ${url}#v1 .`])).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
      message: `${url}#v1 is the commit ${first}, not 0123456`,
    });
  });
});

describe("a private repository by https", () => {
  test("is read with the token of its host, over a private authority, and by nothing else", async () => {
    const certificate = await makeCertificate(root, ["git.test"]);
    const token = "canary-git-token-77";
    const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
    const closed = await startGitServer({ directory: join(root, "repositories"), certificate, authorization });
    try {
      const lines = [`ADD ${closed.origin}/app.git#v1 .`];
      const authorities = certificate.certificateFile;
      await expect(build(lines)).rejects.toMatchObject({ message: expect.stringMatching(/certificate/i) });
      await expect(build(lines, { authorities })).rejects.toMatchObject({
        code: "FETCH_FAILED",
        hint: "when it is private, give its host's token: --secret id=GIT_AUTH_TOKEN.HOST,env=VARIABLE",
      });
      const other = { "GIT_AUTH_TOKEN.git.test": token };
      await expect(build(lines, { authorities, secrets: other })).rejects.toMatchObject({ code: "FETCH_FAILED" });
      expect(closed.requests.every((request) => !request.includes("Basic"))).toBe(true);
      const secrets = { "GIT_AUTH_TOKEN.127.0.0.1": token };
      const { readText } = await build(lines, { authorities, secrets });
      expect(readText("README.md")).toBe("one\n");
      await build([`ADD ${url}#v1 .`], { secrets });
      expect(server.requests.some((request) => request.includes("Basic"))).toBe(false);
    } finally {
      await closed.stop();
    }
  });
});
