import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandCopy, copyCommand } from "../../support/command-copy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { exporter } from "../../support/shop/images.ts";

/**
 * The digest of one cluster image by processor. It is what users push and pin: whoever changes it makes every cluster
 * image and every layer new to every registry, and says so in the release notes.
 */
const golden: Readonly<Record<string, string>> = {
  x64: "sha256:474de0a245b275bc662be206fefeaf5f5e19a66d0528f75310d60cbdc7429396",
  arm64: "sha256:e1ab1c18c7972dd047357dd2b94e2b47c23f460bc531e30b335dae84184438f0",
};

const image = "quay.io/shop/exporter:1.8";
const files: Readonly<Record<string, string>> = {
  Kubefile: [
    "FROM scratch",
    "MAINTAINER Shop team <shop@shop.example>",
    'LABEL org.opencontainers.image.title="shop"',
    "KUBEVERSION v1.34.4",
    "ARG VERSION=1",
    "ENV CURRENCY=EUR",
    "COPY etc etc",
    "COPY bin/start bin/",
    "APP web local://web/",
    'RUN sed -i "s|@VERSION@|$VERSION|" etc/shop.properties && mkdir -p var/empty && ln -s ../etc/shop.properties var/link',
    "LAUNCH web",
    "",
  ].join("\n"),
  "etc/shop.properties": "version=@VERSION@\n",
  "etc/Ünïcode/ﬀ.txt": "names sort by their bytes\n",
  "etc/a/B": "1\n",
  "etc/a-b": "2\n",
  "etc/a.b": "3\n",
  "bin/start": "#!/bin/sh\n",
  "web/pod.yaml": `apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: web, image: "${image}" }] }\n`,
  "web/a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n",
};

interface Circumstances {
  readonly umask: string;
  readonly env: Readonly<Record<string, string>>;
  readonly reversed: boolean;
  /** Below a directory of its own. */
  readonly context: string;
  /** Absolute, or relative to the directory that holds everything. */
  readonly argument: "absolute" | "relative";
  readonly user?: number;
  /** Node's name of the processor to be. */
  readonly processor?: string;
}

const usual: Circumstances = { umask: "022", env: {}, reversed: false, context: "context", argument: "absolute" };

let program: CommandCopy;
let registry: DockerRegistry;
beforeAll(async () => {
  [program, registry] = await Promise.all([copyCommand(), startDockerRegistry()]);
  await uploadImage({ url: registry.url }, "shop/exporter", "1.8", await exporter());
});
afterAll(async () => {
  await Promise.all([program?.remove(), registry?.stop()]);
});

/** Writes the context and builds it with an empty store; returns the digest. */
async function digestIn(circumstances: Circumstances): Promise<string> {
  const { user, context } = circumstances;
  const directory = await mkdtemp(join(tmpdir(), "kubefile-digest-"));
  try {
    await writeContext(join(directory, context), circumstances.reversed);
    // Whoever builds may write here; what it reads keeps its modes.
    await chmod(directory, 0o777);
    const args = ["build", "--capture", "static", "--run", "host", "--store", join(directory, "store")];
    args.push(
      "--mirror",
      `quay.io=${registry.url}`,
      "--metadata-file",
      join(directory, "metadata.json"),
      "--tag",
      "shop:1",
    );
    args.push(circumstances.argument === "absolute" ? join(directory, context) : context);
    const shell = ["-c", 'umask "$0"; exec "$@"', circumstances.umask, process.execPath, program.command, ...args];
    await promisify(execFile)("sh", shell, {
      cwd: circumstances.argument === "absolute" ? "/" : directory,
      env: { PATH: process.env.PATH ?? "", HOME: directory, ...processorOption(circumstances), ...circumstances.env },
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    return JSON.parse(await readFile(join(directory, "metadata.json"), "utf8"))["containerimage.digest"];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Directories list their entries in the order of creation on some file systems; times and modes differ, too. */
async function writeContext(directory: string, reversed: boolean): Promise<void> {
  const entries = Object.entries(files);
  for (const [path, text] of reversed ? entries.toReversed() : entries) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    await chmod(file, path.startsWith("bin/") ? (reversed ? 0o777 : 0o755) : reversed ? 0o666 : 0o644);
    if (reversed) await utimes(file, 1_000_000_000, 1_000_000_000);
  }
  await symlink("shop.properties", join(directory, "etc", "current"));
}

function processorOption({ processor }: Circumstances): Record<string, string> {
  if (processor === undefined) return {};
  const script = `Object.defineProperty(process, "arch", { value: ${JSON.stringify(processor)} })`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

describe("a static build has one digest", () => {
  test.each(Object.entries(golden))("on %s: the one it always had", async (processor, digest) => {
    expect(await digestIn({ ...usual, processor })).toBe(digest);
  });

  const others: Readonly<Record<string, Partial<Circumstances>>> = {
    "whatever the umask": { umask: "077" },
    "whatever the time zone": { env: { TZ: "Pacific/Kiritimati" } },
    "whatever the language": { env: { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" } },
    "whatever the order, times and modes of files": { reversed: true },
    "wherever the context is": { context: "somewhere/else with blanks/Ünïcode", argument: "relative" },
  };
  test.each(Object.entries(others))("%s", async (_name, other) => {
    const processor = "x64";
    expect(await digestIn({ ...usual, ...other, processor })).toBe(golden[processor]);
  });

  test("whoever builds", async () => {
    const processor = "x64";
    // Only root can be somebody else.
    const user = process.getuid?.() === 0 ? 65534 : process.getuid?.();
    expect(await digestIn({ ...usual, ...(user === undefined ? {} : { user }), processor })).toBe(golden[processor]);
  });
});
