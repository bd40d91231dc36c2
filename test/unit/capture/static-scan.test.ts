import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StaticHit } from "../../../src/capture/static-hit.ts";
import { scanRootfs, scanText } from "../../../src/capture/static-scan.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "kubefile-scan-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string | Buffer): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

function line({ reference, where, text }: StaticHit): string {
  return `${where.file}:${where.line}${where.column === undefined ? "" : `:${where.column}`} ${reference} ${text}`;
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      initContainers:
        - name: wait
          image: "busybox"
      containers:
        - image: ghcr.io/shop/web:1
          name: app
          env:
            - name: RELATED_IMAGE_WORKER
              value: ghcr.io/shop/worker:2
`;

describe("scanText, typed", () => {
  it("finds images of pod specs with line and column, in every document", () => {
    const { typed } = scanText(
      `# two documents\n---\n${deployment}---\n${deployment.replaceAll("web", "web2")}`,
      "a.yaml",
    );
    expect(typed.map(line)).toEqual([
      "a.yaml:11:18 docker.io/library/busybox:latest Deployment shop/web init container wait",
      "a.yaml:13:18 ghcr.io/shop/web:1 Deployment shop/web container app",
      "a.yaml:27:18 docker.io/library/busybox:latest Deployment shop/web2 init container wait",
      "a.yaml:29:18 ghcr.io/shop/web2:1 Deployment shop/web2 container app",
    ]);
  });

  it("finds them in lists, in JSON, and behind anchors", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { containers: [{ name: "c", image: "a/b:1" }] },
    };
    const list = JSON.stringify(
      { apiVersion: "v1", kind: "List", items: [{ apiVersion: "v1", kind: "PodList", items: [pod] }] },
      undefined,
      1,
    );
    expect(scanText(list, "l.json").typed.map(line)).toEqual(["l.json:19:18 docker.io/a/b:1 Pod p container c"]);
    const anchored =
      "apiVersion: v1\nkind: Pod\nx: &c\n  image: a/b:1\nspec:\n  containers:\n    - <<: *c\n      name: c\n";
    expect(scanText(anchored, "a.yaml").typed.map(({ reference }) => reference)).toEqual(["docker.io/a/b:1"]);
  });

  it("is not confused by a broken document beside a good one", () => {
    const { typed, untyped } = scanText(`image: [broken: ghcr.io/a/b:1\n---\n${deployment}`, "a.yaml");
    expect(typed).toHaveLength(2);
    expect(untyped.map(({ reference }) => reference)).toContain("ghcr.io/a/b:1");
  });

  it("leaves what is no reference alone", () => {
    expect(scanText(deployment.replace("ghcr.io/shop/web:1", "IMAGE"), "a.yaml").typed).toHaveLength(1);
  });
});

describe("scanText, untyped", () => {
  it.each([
    [
      "a custom resource",
      "kind: Shop\nmetadata: {name: main}\nspec:\n  image: ghcr.io/a/b:1\n",
      "f:4:10 ghcr.io/a/b:1 key spec.image of Shop main",
    ],
    ["camel case", "workerImage: quay.io/a/b:1\n", "f:1:14 quay.io/a/b:1 key workerImage"],
    [
      "chart values",
      "web:\n  image:\n    registry: quay.io\n    repository: a/b\n    tag: 1.2\n",
      "f:3:5 quay.io/a/b:1.2 repository and tag at web.image",
    ],
    [
      "an environment variable",
      "kind: X\nenv:\n  - name: RELATED_IMAGE_DB\n    value: a/db:1\n",
      "f:4:12 docker.io/a/db:1 key env[0].value of X",
    ],
    [
      "an argument",
      "kind: X\nimages: x\nargs: [--sidecar=ghcr.io/a/side:3]\n",
      "f:3:8 ghcr.io/a/side:3 text at args[0] of X",
    ],
    [
      "a ConfigMap",
      "kind: ConfigMap\ndata:\n  pod.yaml: |\n    a: 1\n    image: a/b:7\n",
      "f:5 docker.io/a/b:7 text at data.pod.yaml of ConfigMap",
    ],
    [
      "a template",
      "{{- if .Values.on }}\nkind: Pod\nspec:\n  - image: ghcr.io/a/b:1 {{ end }}\n",
      "f:4 ghcr.io/a/b:1 text of a template",
    ],
  ])("finds %s", (_name, text, expected) => {
    expect(scanText(text, "f").untyped.map(line)).toEqual([expected]);
  });

  it.each([
    ["settings", "image: true\nimagePullPolicy: Always\nimages: []\nrepository: https://git.example/x\n"],
    ["templates of names", 'image: "{{ .Values.image }}:{{ .Values.tag }}"\n'],
    ["schemas", "kind: CustomResourceDefinition\nspec:\n  image: {type: string}\n  default: {image: a/b:1}\n"],
    ["addresses", "kind: X\nimage_server: http://10.0.0.1:8080/x\nhost: example.com:443\n"],
  ])("takes no %s for images", (_name, text) => {
    expect(scanText(text, "f")).toEqual({ typed: [], untyped: [] });
  });

  it("does not report a typed image twice", () => {
    const { untyped } = scanText(deployment, "a.yaml");
    expect(untyped.map(line)).toEqual([
      "a.yaml:15:22 ghcr.io/shop/worker:2 key spec.template.spec.containers[0].env[0].value of Deployment shop/web",
    ]);
  });

  it("reads sealer's image lists", () => {
    expect(
      scanText("# all\nnginx:1.27\n\nghcr.io/a/b@bad\nquay.io/a/b:1\n", "manifests/imageList").untyped.map(line),
    ).toEqual([
      "manifests/imageList:2 docker.io/library/nginx:1.27 image list",
      "manifests/imageList:5 quay.io/a/b:1 image list",
    ]);
  });
});

describe("scanRootfs", () => {
  it("counts typed what the launch applies, and suggests the rest", async () => {
    await write("manifests/web.yaml", deployment);
    await write("docs/example.yaml", deployment.replace("ghcr.io/shop/web:1", "ghcr.io/shop/example:1"));
    await write("bin/tool", "image: ghcr.io/not/looked:1");
    const { typed, untyped } = await scanRootfs(root, {
      launch: [{ command: "kubectl apply -f manifests", directory: "" }],
    });
    expect(typed.map(({ reference }) => reference)).toEqual(["docker.io/library/busybox:latest", "ghcr.io/shop/web:1"]);
    expect(untyped.map(({ reference, text }) => `${reference} ${text}`)).toContain(
      "ghcr.io/shop/example:1 Deployment shop/web container app, not applied by the launch as it stands",
    );
    expect(JSON.stringify({ typed, untyped })).not.toContain("looked");
  });

  it("takes a chart's templates for guesses, and what it renders to for certain", async () => {
    await write("charts/shop/Chart.yaml", "name: shop\n");
    await write("charts/shop/values.yaml", "image: {repository: quay.io/shop/api, tag: v1}\n");
    await write("charts/shop/templates/plain.yaml", deployment);
    await write("charts/shop/charts/sub/Chart.yaml", "name: sub\n");
    const launch = [{ command: "helm install shop charts/shop", directory: "" }];
    const guessed = await scanRootfs(root, { launch });
    expect(guessed.typed).toEqual([]);
    expect(guessed.untyped.map(({ reference }) => reference)).toEqual(
      expect.arrayContaining(["quay.io/shop/api:v1", "ghcr.io/shop/web:1"]),
    );
    const asked: string[] = [];
    const rendered = await scanRootfs(root, {
      launch,
      renderChart: async (directory) => {
        asked.push(directory);
        return deployment.replace("ghcr.io/shop/web:1", "quay.io/shop/api:v1");
      },
    });
    expect(asked).toEqual([join(root, "charts/shop")]);
    expect(rendered.typed.map(line)).toContain(
      "charts/shop/Chart.yaml:1 quay.io/shop/api:v1 Deployment shop/web container app of the rendered chart",
    );
  });

  it("finds pull secrets where the launch applies them, in files and in rendered charts, and nowhere else", async () => {
    const secret = (name: string): string =>
      `kind: Secret\nmetadata: {name: ${name}}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: "{}"}\n`;
    await write("manifests/secret.yaml", secret("applied"));
    await write("docs/secret.yaml", secret("example"));
    await write("charts/shop/Chart.yaml", "name: shop\n");
    await write("charts/shop/templates/secret.yaml", secret("template"));
    const { pullSecrets } = await scanRootfs(root, {
      launch: [{ command: "kubectl apply -f manifests && helm install shop charts/shop", directory: "" }],
      renderChart: async () => secret("rendered"),
    });
    expect(pullSecrets.map(({ name }) => name)).toEqual(["applied", "rendered"]);
  });

  it("ends on an abort", async () => {
    await write("a.yaml", deployment);
    await expect(scanRootfs(root, { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
  });
});

describe("scanRootfs on hostile files", () => {
  it("does not follow links out of the rootfs", async () => {
    const outside = await mkdtemp(join(tmpdir(), "kubefile-outside-"));
    await writeFile(join(outside, "secret.yaml"), deployment);
    await symlink(join(outside, "secret.yaml"), join(root, "a.yaml"));
    await symlink(outside, join(root, "manifests"));
    await symlink("..", join(root, "loop"));
    expect(await scanRootfs(root)).toEqual({ typed: [], untyped: [], pullSecrets: [] });
    await rm(outside, { recursive: true });
  });

  it("survives alias bombs, deep nesting, binary and oversized files, and reads the next file", async () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (let level = 0; level < 12; level += 1) {
      const name = (offset: number): string => String.fromCharCode(97 + level + offset);
      bomb.push(`${name(1)}: &${name(1)} [${`*${name(0)}, `.repeat(9)}]`);
    }
    await write("manifests/bomb.yaml", `${bomb.join("\n")}\nimage: ghcr.io/bomb/x:1\n`);
    await write("manifests/deep.json", `{"image":${"[".repeat(200_000)}`);
    await write("manifests/deep.yaml", `image:\n  ${"- ".repeat(50_000)}x\n`);
    await write("manifests/binary.yaml", Buffer.from("image: a/b:1\0"));
    await write("manifests/huge.yaml", Buffer.alloc(5 * 1024 * 1024, "image: a/b:1\n"));
    await write("manifests/cycle.yaml", "image: &a\n  b: *a\n");
    await write("manifests/proto.yaml", '__proto__: {image: ghcr.io/p/p:1}\nconstructor: {image: "ghcr.io/c/c:1"}\n');
    await write("manifests/zzz.yaml", deployment);
    const { typed } = await scanRootfs(root);
    expect(typed.map(({ where }) => where.file)).toEqual(["manifests/zzz.yaml", "manifests/zzz.yaml"]);
    expect(Object.hasOwn(Object.prototype, "image")).toBe(false);
  });

  it.each([
    ["a template", "{{ if .Values.debug }}\n", "image: ghcr.io/shop/web:1 {{ end }}\n"],
    ["a long text", "kind: ConfigMap\ndata:\n  list: |\n", "    image: ghcr.io/shop/web:1\n"],
  ])("is soon done with %s of nothing but images, and knows the lines", (_, heading, each) => {
    const text = heading + each.repeat(Math.ceil((1024 * 1024) / each.length));
    const started = performance.now();
    const { untyped } = scanText(text, "charts/shop/templates/web.yaml");
    expect(performance.now() - started).toBeLessThan(10_000);
    const above = heading.split("\n").length - 1;
    expect(untyped).toHaveLength(2_000);
    expect(untyped.map(({ where }) => where.line)).toEqual(untyped.map((_hit, position) => above + position + 1));
  });

  it("takes more hits from a file than a call takes arguments", async () => {
    await write("manifests/imageList", "a/b:1\n".repeat(200_000));
    expect((await scanRootfs(root)).untyped).toHaveLength(200_000);
  });
});
