import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { type CommandCopy, copyCommand } from "../../support/command-copy.ts";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { exporter } from "../../support/shop/images.ts";

/** Digests of what one build makes. */
interface Made {
  /** Of the cluster image. */
  readonly image: string;
  /** Of the bytes of `-o type=oci`. */
  readonly archive: string;
  /** Of the bytes of `kubefile.lock`. */
  readonly lock: string;
}

interface MadeWithKeys extends Made {
  /** Names of all records that were kept. */
  readonly keys: readonly string[];
}

/**
 * What one build makes, by processor. It is what users push, pin and commit: whoever changes it makes every cluster image
 * new to every registry, and says so in the release notes.
 */
const golden: Readonly<Record<string, Made>> = {
  x64: {
    image: "sha256:474de0a245b275bc662be206fefeaf5f5e19a66d0528f75310d60cbdc7429396",
    archive: "sha256:7348cb2f66d8571e137cb7e9199b4a6c9f5c35b2a41df66b4c70df39c3aaeebb",
    lock: "sha256:d089791d39bb53ed4c910117c236aaa1141ba370fd8fbaec717316cf15fe11da",
  },
  arm64: {
    image: "sha256:e1ab1c18c7972dd047357dd2b94e2b47c23f460bc531e30b335dae84184438f0",
    archive: "sha256:2da534764a43e459c00aaa05c9a31d12caf2ae1a71b4616e6aadcd6485720c56",
    lock: "sha256:d089791d39bb53ed4c910117c236aaa1141ba370fd8fbaec717316cf15fe11da",
  },
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

/** What it makes with a date: the same layers and lock, under a manifest that says when it was created. */
const dated: Pick<Made, "image" | "archive"> = {
  image: "sha256:f448184b4107680770fcabedb9aaddda39938f0cc825a0579279bd246c4f8162",
  archive: "sha256:ec66c1602de5fb23ead7a6bf098a9daa53b7ddceac28a91711414f61e5045874",
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
  /** The program that runs the command. */
  readonly node?: string;
  /** Sets clock and chance of the command's process to other values. */
  readonly otherClock?: boolean;
  /** Where the directory of all is made; the temporary directory when absent. */
  readonly parent?: string;
  /** Of builds, one after the other, with one store; the last one counts. */
  readonly times?: number;
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

/** Writes the context and builds it with a store that is empty at first. */
async function makeIn(circumstances: Circumstances): Promise<MadeWithKeys> {
  const { user, context, times = 1 } = circumstances;
  const directory = await mkdtemp(join(circumstances.parent ?? tmpdir(), "kubefile-digest-"));
  try {
    await writeContext(join(directory, context), circumstances.reversed);
    // Whoever builds may write here; what it reads keeps its modes.
    await Promise.all([directory, join(directory, context)].map((path) => chmod(path, 0o777)));
    const args = ["build", "--capture", "static", "--run", "host", "--store", join(directory, "store"), "--lock"];
    args.push("--mirror", `quay.io=${registry.url}`, "--tag", "shop:1");
    const [metadata, archive] = [join(directory, "metadata.json"), join(directory, "shop.tar")];
    args.push("--metadata-file", metadata, "--output", `type=oci,dest=${archive}`);
    args.push(circumstances.argument === "absolute" ? join(directory, context) : context);
    const { umask, node = process.execPath } = circumstances;
    const shell = ["-c", 'umask "$0"; exec "$@"', umask, node, program.command, ...args];
    for (let time = 0; time < times; time += 1) {
      await promisify(execFile)("sh", shell, {
        cwd: circumstances.argument === "absolute" ? "/" : directory,
        env: { PATH: process.env.PATH ?? "", HOME: directory, ...preloaded(circumstances), ...circumstances.env },
        ...(user === undefined ? {} : { uid: user, gid: user }),
      });
    }
    return {
      image: JSON.parse(await readFile(metadata, "utf8"))["containerimage.digest"],
      archive: digestOf(await readFile(archive)),
      lock: digestOf(await readFile(join(directory, context, "kubefile.lock"))),
      keys: (await readdir(join(directory, "store", "records", "unprotected"))).sort(),
    };
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

/** Changes what Node tells the command of its machine. */
function preloaded({ processor, otherClock = false }: Circumstances): Record<string, string> {
  const scripts = [
    ...(processor === undefined
      ? []
      : [`Object.defineProperty(process, "arch", { value: ${JSON.stringify(processor)} })`]),
    ...(otherClock ? [`(${changeClock})()`] : []),
  ];
  const options = scripts.map((script) => `--import=data:text/javascript,${encodeURIComponent(script)}`);
  return options.length === 0 ? {} : { NODE_OPTIONS: options.join(" ") };
}

/** Runs in the command's process: twenty years later, and with other luck. */
function changeClock(): void {
  const RealDate = Date;
  const later = 20 * 365 * 86_400_000;
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [number]) {
      super(...((args.length === 0 ? [RealDate.now() + later] : args) as [number]));
    }
    static override now(): number {
      return RealDate.now() + later;
    }
  } as DateConstructor;
  Math.random = () => 0.5;
}

/** The path of another Node.js, installed once. */
async function nodeOf(major: string): Promise<string> {
  const { stdout } = await promisify(execFile)(fileURLToPath(new URL("../../setup/node", import.meta.url)), [major]);
  return stdout.trim();
}

const processor = "x64";

/** What the golden processor makes, with keys: those know the registry's port, so they are golden for one run alone. */
let expected: MadeWithKeys;

describe("a static build makes one cluster image, archive and lock, under the same keys", () => {
  test.each(Object.entries(golden))("on %s: what it always made", async (name, made) => {
    const result = await makeIn({ ...usual, processor: name });
    expect(result).toMatchObject(made);
    // Two steps before RUN and one after it, the rootfs, the launch; what RUN does on the host has no key.
    expect(result.keys).toHaveLength(5);
    if (name === processor) expected = result;
  });

  const others: Readonly<Record<string, Partial<Circumstances>>> = {
    "whatever the umask": { umask: "077" },
    "whatever the time zone": { env: { TZ: "Pacific/Kiritimati" } },
    "whatever the language": { env: { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" } },
    "whatever the order, times and modes of files": { reversed: true },
    "whatever order a file system lists them in": { parent: "/dev/shm", reversed: true },
    "wherever the context is": { context: "somewhere/else with blanks/Ünïcode", argument: "relative" },
    "whenever, and whatever chance": { otherClock: true },
    "also of what is in the store already": { times: 2 },
  };
  test.each(Object.entries(others))("%s", async (_name, other) => {
    expect(await makeIn({ ...usual, ...other, processor })).toEqual(expected);
  });

  test.each(["22", "24"])("on Node.js %s", async (major) => {
    expect(await makeIn({ ...usual, node: await nodeOf(major), processor })).toEqual(expected);
  });

  test("whoever builds", async () => {
    // Only root can be somebody else.
    const user = process.getuid?.() === 0 ? 65534 : process.getuid?.();
    expect(await makeIn({ ...usual, ...(user === undefined ? {} : { user }), processor })).toEqual(expected);
  });

  test("and with SOURCE_DATE_EPOCH another image, which says so, wherever it is built", async () => {
    const withDate = { ...usual, env: { SOURCE_DATE_EPOCH: "1700000000" }, processor };
    const made = { ...expected, ...dated };
    expect(await makeIn(withDate)).toEqual(made);
    expect(await makeIn({ ...withDate, umask: "077", reversed: true, otherClock: true })).toEqual(made);
  });
});
