import { createCipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  buildImage,
  buildIndex,
  buildLayer,
  type Entry,
  type Format,
  type Image,
  type Layer,
} from "../image-builder.ts";
import { type Architecture, waitingProgram } from "../static-program.ts";
import { catalogOperator } from "./catalog-operator.ts";

export interface ShopImage {
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  readonly image: Image;
}

export const webImage = "docker.io/shop/web:2.1";

/** Where Debian's busybox-static may be; Debian 12 still links the one to the other. */
const busyboxPaths = ["/bin/busybox", "/usr/bin/busybox"];

/**
 * All images of examples/shop but the node's own, in the forms that real registries hold: Docker's and OCI's media
 * types, several layers with a shared base, a list of platforms, a layer without compression, a large one.
 */
export async function buildShopImages(): Promise<readonly ShopImage[]> {
  const base = await baseLayer();
  const script = (format: Format, text: string, ...more: readonly Layer[]): Promise<Image> =>
    scriptOn(base, format, text, ...more);
  const images: Record<string, Image | Promise<Image>> = {
    [webImage]: shopWeb("Shop"),
    "docker.io/shop/cart:1.9": script("docker", server(8080), await page("Cart")),
    "docker.io/shop/migrate:1.9": script(
      "docker",
      '#!/bin/sh\nset -eu\nwget -q -O /dev/null "$1"\necho "schema is current"\n',
    ),
    // The same path and tag as below, and another program.
    "docker.io/shop/tool:1": script(
      "docker",
      '#!/bin/sh\nuntil wget -q -O /dev/null "$1"; do\n  echo "waiting for $1"\n  sleep 1\ndone\n',
    ),
    "quay.io/shop/tool:1": script("oci", '#!/bin/sh\nset -eu\nwget -q -O /dev/null "$1"\necho "saved"\n'),
    // A database that is busy for a while after it started.
    "quay.io/shop/db:16.3": script(
      "oci",
      "#!/bin/sh\necho recovering\nsleep 4\nexec httpd -f -p 5432 -h /srv\n",
      await page("Database"),
      await buildLayer([{ path: "var/lib/db/template", content: noise(24 * 1024 * 1024) }], { level: 1 }),
    ),
    "quay.io/shop/exporter:1.8": exporter(),
    "quay.io/shop/gpu-metrics:0.9": script("oci", server(9400), await page("GPU metrics")),
    "quay.io/shop/catalog-operator:0.4": script("oci", catalogOperator),
    "ghcr.io/shop/catalog-indexer:7": script("oci", server(8080), await page("Catalog")),
    "registry.shop.test:5000/billing/api:3.2": script("oci", server(8080), await page("Billing")),
  };
  return Promise.all(
    Object.entries(images).map(async ([reference, image]) => ({ ...splitReference(reference), image: await image })),
  );
}

/** The storefront, whose page is a layer between that of its base and that of its program. */
export async function shopWeb(title: string): Promise<Image> {
  const image = await scriptOn(await baseLayer(), "docker", server(8080), await page(title));
  return otherPlatformToo("docker", image);
}

async function scriptOn(base: Layer, format: Format, text: string, ...more: readonly Layer[]): Promise<Image> {
  const program = await buildLayer([{ path: "usr/bin/start", content: text, mode: 0o755 }]);
  return buildImage({ format, layers: [base, ...more, program], entrypoint: ["/usr/bin/start"] });
}

function server(port: number): string {
  return `#!/bin/sh\nexec httpd -f -p ${port} -h /srv\n`;
}

function page(title: string): Promise<Layer> {
  return buildLayer([{ path: "srv/index.html", content: `<!doctype html>\n<title>${title}</title>\n` }]);
}

/** Does nothing, and has the same digest on every machine: the shop's manifest names it. */
export async function exporter(): Promise<Image> {
  const architectures: readonly Architecture[] = ["amd64", "arm64"];
  const images = architectures.map(async (architecture) =>
    buildImage({
      format: "oci",
      layers: [await programLayer(architecture, "usr/bin/exporter", { compressed: false })],
      entrypoint: ["/usr/bin/exporter"],
      platform: { os: "linux", architecture },
    }),
  );
  return buildIndex("oci", await Promise.all(images));
}

/** A list of the image and of one for another platform that nobody here can run. */
export async function otherPlatformToo(format: Format, image: Image): Promise<Image> {
  const architecture = image.platform?.architecture === "arm64" ? "amd64" : "arm64";
  const other = buildImage({
    format,
    layers: [await programLayer(architecture, "usr/bin/start")],
    entrypoint: ["/usr/bin/start"],
    platform: { os: "linux", architecture },
  });
  return buildIndex(format, [image, other]);
}

async function programLayer(
  architecture: Architecture,
  path: string,
  options: { readonly compressed?: boolean } = {},
): Promise<Layer> {
  return buildLayer([{ path, content: waitingProgram(architecture), mode: 0o755 }], options);
}

/** Busybox, and the directories that its programs look for. */
export async function baseLayer(): Promise<Layer> {
  const directories = ["bin/", "etc/", "srv/", "tmp/", "usr/", "usr/bin/", "var/", "var/lib/"];
  const applets = ["cat", "echo", "httpd", "sed", "sh", "sleep", "wget"];
  return buildLayer([
    ...directories.map((path): Entry => ({ path, content: "", mode: path === "tmp/" ? 0o1777 : 0o755 })),
    { path: "bin/busybox", content: await busybox(), mode: 0o755 },
    ...applets.map((applet): Entry => ({ path: `bin/${applet}`, target: "busybox" })),
    { path: "etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" },
  ]);
}

/** A static busybox. */
export async function busybox(): Promise<Buffer> {
  for (const path of busyboxPaths) {
    const program = await readFile(path).catch(() => undefined);
    // A program that is linked at run time names its loader; the images hold no libraries.
    if (program !== undefined && !program.includes("/ld-linux")) return program;
  }
  throw new Error("no static busybox: run test/setup/prepare, or install busybox-static");
}

/** Bytes that no compression makes smaller, the same every time. */
function noise(size: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size));
}

function splitReference(reference: string): { host: string; repository: string; tag: string } {
  const slash = reference.indexOf("/");
  const colon = reference.lastIndexOf(":");
  return {
    host: reference.slice(0, slash),
    repository: reference.slice(slash + 1, colon),
    tag: reference.slice(colon + 1),
  };
}
