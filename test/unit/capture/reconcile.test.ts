import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { OperatorAttribution } from "../../../src/capture/operators.ts";
import { type CompletedImage, type ReconcileInput, reconcile } from "../../../src/capture/reconcile.ts";
import type { RecordedPull } from "../../../src/capture/recorder.ts";
import type { StaticHit } from "../../../src/capture/static-hit.ts";
import { KubefileError } from "../../../src/error.ts";
import { type Digest, digestOf, parseDigest } from "../../../src/oci/digest.ts";
import { formatReference, parseReference, type Reference } from "../../../src/oci/reference.ts";
import { RegistryError } from "../../../src/registry/errors.ts";
import { baselineOfRecording, contentDigest, recording, replay, startTime, watcherOfObjects } from "./recorded.ts";
import { final, placeholder, rollOut } from "./roll-out.ts";

const shop = recording("shop");
const launch = replay(shop);
const content = parseDigest(contentDigest);
const pod = (name: string): string =>
  launch.objects().find(({ object }) => object.metadata.name === name)?.object.metadata.uid ?? "";

function pull(text: string, part: Partial<RecordedPull> = {}): RecordedPull {
  const reference = parseReference(text);
  const digest = part.digest ?? content;
  return {
    repository: { host: reference.host, path: reference.path },
    reference: reference.digest ?? reference.tag ?? "",
    digest,
    digests: [digest],
    first: startTime,
    last: startTime,
    count: 1,
    clients: ["172.19.0.2"],
    failure: undefined,
    ...part,
  };
}

function hit(text: string, part: Partial<StaticHit> = {}): StaticHit {
  const reference = formatReference(parseReference(text));
  return {
    image: text,
    reference,
    where: { file: "manifests/app.yaml", line: 3 },
    text: "Deployment shop/web container app",
    ...part,
  };
}

const tags = [
  "docker.io/shop/web:1",
  "ghcr.io/shop/hidden:1",
  "ghcr.io/shop/init:1",
  "quay.io/shop/migrate:1",
  "quay.io/shop/op:1",
  "quay.io/shop/report:1",
];
// What the proxy logged for the recording: HEAD of each tag, GET by digest where containerd lacked the content.
const pulls = [...tags.map((tag) => pull(tag)), pull(`quay.io/shop/op@${content}`), pull(`ghcr.io/shop/db@${content}`)];

const op = { kind: "Deployment", namespace: "shop", name: "op", uid: "op" };
const operators = new Map<string, OperatorAttribution>([
  [pod("main-backend"), { operators: [op], owner: { kind: "Shop", namespace: "shop", name: "main" } }],
  [pod("loose"), { operators: [{ ...op, name: "a" }, op] }],
]);

let asked: string[];

function complete(reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> {
  asked.push(`${formatReference(reference)} ${pulled === undefined ? "tag" : "digest"}`);
  const digest = pulled ?? reference.digest ?? digestOf(formatReference(reference));
  return Promise.resolve({ digest, mediaType: "m", size: 10, identities: [digest, digestOf(`child of ${digest}`)] });
}

function input(part: Partial<ReconcileInput> = {}): ReconcileInput {
  return {
    pulls,
    observations: launch.observations(),
    startedContainers: launch.startedContainers(),
    typedHits: [],
    untypedHits: [],
    include: [],
    exclude: [],
    baseline: baselineOfRecording(shop),
    operators,
    nodeNames: new Map([["172.19.0.2", "node-1"]]),
    complete,
    requireStatic: false,
    ...part,
  };
}

beforeEach(() => {
  asked = [];
});

describe("reconcile", () => {
  it("joins the recorded launch into one list, each image with its reasons", async () => {
    const { images, warnings } = await reconcile(input());
    expect(
      images.map(({ reference, reasons }) => [reference, ...reasons.map(({ source, text }) => `${source}: ${text}`)]),
    ).toEqual([
      ["docker.io/shop/web:1", "pulled: pulled by pod shop/web-985d559f7-m8665 container app"],
      [`ghcr.io/shop/db:1@${content}`, "pulled: pulled by pod shop/db-0 container db"],
      [
        "ghcr.io/shop/hidden:1",
        "observed: created by an operator (Deployment shop/a or Deployment shop/op)",
        "observed: created by operator Deployment shop/op",
        "observed: created for Shop shop/main",
        "pulled: pulled by pod shop/loose container loose",
        "pulled: pulled by pod shop/main-backend container backend",
      ],
      ["ghcr.io/shop/init:1", "pulled: pulled by pod shop/web-985d559f7-m8665 init container wait"],
      ["quay.io/shop/agent:1", "observed: pod template of DaemonSet shop/gpu container agent (selects no node)"],
      [
        "quay.io/shop/migrate:1",
        "observed: Helm hook post-install Job shop/migrate container main",
        "pulled: pulled by pod shop/migrate-q9zrh container main",
      ],
      ["quay.io/shop/op:1", "pulled: pulled by pod shop/op-857fbfdbbf-vm7kk container op"],
      [
        "quay.io/shop/report:1",
        "observed: pod template of CronJob shop/report container main (not run during the rehearsal)",
        "observed: pod template of PodTemplate shop/spare container main (not run during the rehearsal)",
        "pulled: pulled by pod shop/tick-29921050-gjgzq container main",
      ],
      ["registry.k8s.io/pause:3.10", "observed: used by pod shop/old-bs52q container pause (the node held it)"],
    ]);
    expect(warnings).toEqual([
      "pod shop/old-bs52q container pause ran the build of registry.k8s.io/pause:3.10 that the node held; captured is the registry's, which differs",
    ]);
  });

  it("fetches by the digest that nodes were given, and by tag what they did not ask for", async () => {
    await reconcile(input());
    expect(asked.filter((line) => line.endsWith("tag")).toSorted()).toEqual([
      "quay.io/shop/agent:1 tag",
      "registry.k8s.io/pause:3.10 tag",
    ]);
  });

  it("does not depend on any order", async () => {
    const hits = [
      hit("ghcr.io/a/b:1"),
      hit("docker.io/shop/web:1"),
      hit("docker.io/shop/web:1", { where: { file: "a.yaml", line: 1 } }),
    ];
    const whole = input({
      typedHits: hits,
      untypedHits: [hit("ghcr.io/x/y:2"), hit("ghcr.io/x/y:3")],
      include: ["busybox", "ghcr.io/z:1"],
    });
    const expected = await reconcile(whole);
    const shuffled = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
      fc.shuffledSubarray([...items], { minLength: items.length });
    await fc.assert(
      fc.asyncProperty(
        shuffled(whole.pulls),
        shuffled(whole.observations),
        shuffled(whole.startedContainers),
        shuffled(whole.typedHits),
        shuffled(whole.untypedHits),
        shuffled(whole.include),
        async (mixedPulls, observations, startedContainers, typedHits, untypedHits, include) => {
          const mixed = {
            ...whole,
            pulls: mixedPulls,
            observations,
            startedContainers,
            typedHits,
            untypedHits,
            include,
          };
          expect(await reconcile(mixed)).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  describe("an image that a webhook replaces in pods", () => {
    const web = launch.observations().filter(({ reference }) => reference === "docker.io/shop/web:1");
    // Deployment and ReplicaSet keep the name that stands for none, as those of Istio's gateways do.
    const placeholders = web
      .filter(({ from }) => from === "template")
      .map((seen) => ({ ...seen, image: "auto", reference: "docker.io/library/auto:latest" }));
    const others = launch.observations().filter((seen) => !web.includes(seen) || seen.from === "pod");
    const observations = [...others, ...placeholders];
    const missing = (reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> =>
      reference.path === "library/auto"
        ? Promise.reject(new RegistryError(404, "MANIFEST_UNKNOWN", "not found"))
        : complete(reference, pulled);

    it("need not exist", async () => {
      const { images, warnings } = await reconcile(input({ observations, complete: missing }));
      expect(images.map(({ reference }) => reference)).toEqual(
        (await reconcile(input())).images.map(({ reference }) => reference),
      );
      expect(warnings).toContain(
        "Deployment shop/web container app names auto, and its pods have shop/web:1 in its place; what it names could not be fetched and is left out",
      );
    });

    it.each<[string, Partial<ReconcileInput>]>([
      [
        "one of its pods has it",
        {
          observations: [
            ...observations,
            ...web.map((seen) => ({ ...seen, image: "auto", reference: "docker.io/library/auto:latest" })),
          ],
        },
      ],
      ["no pod was made of its template", { observations: observations.filter(({ from }) => from === "template") }],
      ["the user lists it", { observations, include: ["auto"] }],
    ])("must exist when %s", async (_when, part) => {
      await expect(reconcile(input({ complete: missing, ...part }))).rejects.toMatchObject({
        code: "PULL_FAILED",
        message: expect.stringContaining("docker.io/library/auto:latest"),
      });
    });
  });

  it("warns of a template that names no image, as nothing else tells before a pod is made of it", async () => {
    const cron = launch.observations().filter(({ object: { name } }) => name === "report");
    const broken = cron.map(({ reference: _, ...seen }) => ({ ...seen, image: "a/B", reference: undefined }));
    const { warnings } = await reconcile(input({ observations: [...launch.observations(), ...broken] }));
    expect(warnings).toContain(
      'CronJob shop/report container main names "a/B", which is no image reference: no node can pull it',
    );
    const gone = broken.map((seen) => ({ ...seen, isReplaced: true }));
    const without = await reconcile(input({ observations: [...launch.observations(), ...gone] }));
    expect(without.warnings).toEqual((await reconcile(input())).warnings);
  });

  describe("an image that the launch replaces before a node has got it", () => {
    const rolledOut = watcherOfObjects(rollOut(true)).observations();
    const missing = (reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> =>
      reference.host === "registry.invalid"
        ? Promise.reject(new RegistryError(502, "UNKNOWN", "no such host"))
        : complete(reference, pulled);
    const part = { pulls: [], startedContainers: [], complete: missing };

    it("need not exist", async () => {
      // A file names it, too.
      const { images, warnings, suggestions } = await reconcile(
        input({ ...part, observations: rolledOut, typedHits: [hit(placeholder)] }),
      );
      expect(images.map(({ reference }) => reference)).toEqual([final]);
      expect(warnings).toEqual([
        `ReplicaSet shop/late-1 container app named ${placeholder} until it was replaced; what it names could not be fetched and is left out`,
      ]);
      expect(suggestions.map(({ reference }) => reference)).toEqual([placeholder]);
    });

    it("is captured when it exists", async () => {
      const { images } = await reconcile(input({ ...part, complete, observations: rolledOut }));
      expect(images.map(({ reference }) => reference)).toEqual([final, placeholder]);
    });

    it("must exist when something names it yet", async () => {
      const observations = rolledOut.map((seen) =>
        seen.object.kind === "Pod" ? { ...seen, isReplaced: false } : seen,
      );
      await expect(reconcile(input({ ...part, observations }))).rejects.toMatchObject({ code: "PULL_FAILED" });
    });
  });

  it("names what only a rehearsal finds", async () => {
    const { onlyRehearsal } = await reconcile(
      input({ typedHits: tags.slice(2).map((tag) => hit(tag)), untypedHits: [hit("registry.k8s.io/pause:3.10")] }),
    );
    expect(onlyRehearsal).toEqual([
      "docker.io/shop/web:1",
      `ghcr.io/shop/db:1@${content}`,
      "ghcr.io/shop/hidden:1",
      "quay.io/shop/agent:1",
    ]);
  });

  it("suggests what nothing confirmed, and nothing that is captured or kept out", async () => {
    const untypedHits = [
      hit("ghcr.io/guess:1"),
      hit("ghcr.io/guess:1"),
      hit("docker.io/shop/web:1"),
      hit("ghcr.io/out:1"),
    ];
    const { suggestions } = await reconcile(input({ untypedHits, exclude: ["ghcr.io/out"] }));
    expect(suggestions).toEqual([
      {
        reference: "ghcr.io/guess:1",
        where: { file: "manifests/app.yaml", line: 3 },
        why: "Deployment shop/web container app",
      },
    ]);
  });

  it("keeps out what patterns match, though containers ran it", async () => {
    const { images, excluded, warnings } = await reconcile(input({ exclude: ["**/shop/*", "registry.k8s.io/**"] }));
    expect(images).toEqual([]);
    expect(excluded).toHaveLength(9);
    expect(asked).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it("warns of a pattern that keeps nothing out, be it only a suggestion", async () => {
    const exclude = ["ghcr.io/shop/hiden:*", "ghcr.io/shop/hidden:*", "ghcr.io/out"];
    const { images, warnings } = await reconcile(input({ untypedHits: [hit("ghcr.io/out:1")], exclude }));
    expect(images.map(({ reference }) => reference)).not.toContain("ghcr.io/shop/hidden:1");
    expect(warnings.filter((text) => text.startsWith("--exclude"))).toEqual([
      "--exclude ghcr.io/shop/hiden:* keeps nothing out: the launch names no such image",
    ]);
  });

  it("keeps a pull that no object explains, but not the children of a captured index", async () => {
    const child = digestOf(`child of ${content}`);
    const lone = digestOf("lone");
    const index = digestOf("index");
    const more = [
      pull("ghcr.io/helper/tool:3"),
      pull(`quay.io/shop/op@${child}`, { digest: child }),
      pull(`ghcr.io/helper/lone@${lone}`, { digest: lone, clients: ["10.0.0.9"] }),
      pull(`ghcr.io/helper/multi@${index}`, { digest: index }),
      pull(`ghcr.io/helper/multi@${digestOf(`child of ${index}`)}`, { digest: digestOf(`child of ${index}`) }),
    ];
    const { images } = await reconcile(input({ pulls: [...pulls, ...more] }));
    const helpers = images.filter(({ reference }) => reference.includes("helper"));
    expect(helpers.map(({ reference, reasons }) => [reference, reasons[0]?.text])).toEqual([
      [`ghcr.io/helper/lone@${lone}`, "pulled by node 10.0.0.9"],
      [`ghcr.io/helper/multi@${index}`, "pulled by node node-1"],
      ["ghcr.io/helper/tool:3", "pulled by node node-1"],
    ]);
    expect(images.some(({ reference }) => reference.includes(child))).toBe(false);
  });

  it("warns of a tag that moved, and captures where it went", async () => {
    const moved = pull("docker.io/shop/web:1", { digests: [digestOf("old"), content] });
    const { images, warnings } = await reconcile(input({ pulls: [moved, ...pulls.slice(1)] }));
    expect(images[0]).toMatchObject({ reference: "docker.io/shop/web:1", digest: content });
    expect(warnings.join()).toContain("docker.io/shop/web:1 was moved at its registry during the rehearsal");
  });

  it("merges one digest under several tags into one image", async () => {
    const { images } = await reconcile(
      input({ include: [`ghcr.io/shop/db@${content}`, `ghcr.io/shop/db:0@${content}`] }),
    );
    expect(images.filter(({ reference }) => reference.startsWith("ghcr.io/shop/db"))).toMatchObject([
      { reference: `ghcr.io/shop/db:0@${content}` },
    ]);
  });

  it("fails when a container ran what is not captured, naming all of them", async () => {
    const started = launch
      .startedContainers()
      .map((container) =>
        container.pod.name.startsWith("web")
          ? { ...container, imageID: `docker.io/shop/web@${digestOf("other")}` }
          : container,
      );
    await expect(reconcile(input({ startedContainers: started }))).rejects.toMatchObject({
      code: "CAPTURE_INCOMPLETE",
      message: expect.stringMatching(
        /m8665 container app: docker.io\/shop\/web:1 ran as .*\n.*m8665 init container wait.*\n.*rbw4x/,
      ),
    });
  });

  it("fails with every image that cannot be fetched, in the registry's words, with line and hint", async () => {
    const failing = (reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> =>
      reference.path === "shop/agent" || reference.path === "pause"
        ? Promise.reject(new RegistryError(404, "MANIFEST_UNKNOWN", "not found", { detail: "manifest unknown" }))
        : complete(reference, pulled);
    await expect(
      reconcile(input({ complete: failing, locate: () => ({ file: "Kubefile", line: 9 }) })),
    ).rejects.toMatchObject({
      code: "PULL_FAILED",
      message:
        "cannot fetch 2 images:\n  quay.io/shop/agent:1 (DaemonSet shop/gpu container agent): manifest unknown\n" +
        "  registry.k8s.io/pause:3.10 (ReplicationController shop/old container pause): manifest unknown",
      hint: "check the name and the tag, or push the image first",
      where: { file: "Kubefile", line: 9 },
    });
  });

  it("says of each image that cannot be fetched what to do about it", async () => {
    const causes: Readonly<Record<string, Error>> = {
      "shop/agent": new RegistryError(404, "BLOB_UNKNOWN", "registry quay.io answered 404 for blob sha256:1", {
        detail: "manifest unknown",
      }),
      pause: new KubefileError("PULL_FAILED", "it has no image for linux/amd64", { hint: "use another" }),
      "shop/op": new KubefileError("ARTIFACT_INVALID", "it is no image"),
    };
    const failing = (reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> => {
      const cause = causes[reference.path];
      return cause === undefined ? complete(reference, pulled) : Promise.reject(cause);
    };
    await expect(reconcile(input({ complete: failing }))).rejects.toMatchObject({
      message: expect.stringContaining(
        "quay.io/shop/agent:1 (DaemonSet shop/gpu container agent): registry quay.io answered 404 for blob sha256:1",
      ),
      hint: "check the name and the tag, or push the image first; push the image again with a current tool, or leave it out with --exclude; use another",
    });
    // Nodes have asked for shop/op by its digest, too: that is no further image.
    await expect(reconcile(input({ complete: failing }))).rejects.toMatchObject({
      message: expect.not.stringContaining("pulled by a node"),
    });
  });

  it("lets a rehearsal overrule files, and trusts files alone otherwise", async () => {
    const failing = (reference: Reference, pulled: Digest | undefined): Promise<CompletedImage> =>
      reference.path === "only/file" ? Promise.reject(new Error("no such host")) : complete(reference, pulled);
    const part = { typedHits: [hit("ghcr.io/only/file:1")], complete: failing };
    const { suggestions, images } = await reconcile(input(part));
    expect(images.some(({ reference }) => reference === "ghcr.io/only/file:1")).toBe(false);
    expect(suggestions).toMatchObject([
      { reference: "ghcr.io/only/file:1", why: expect.stringContaining("could not be fetched") },
    ]);
    await expect(reconcile(input({ ...part, requireStatic: true }))).rejects.toMatchObject({ code: "PULL_FAILED" });
  });

  it("refuses an include that is no reference", async () => {
    await expect(reconcile(input({ include: ["Not An Image"] }))).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  });
});
