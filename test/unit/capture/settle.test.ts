import { describe, expect, it } from "vitest";
import { createLaunchObjects } from "../../../src/capture/launch-objects.ts";
import { createPullRecorder } from "../../../src/capture/recorder.ts";
import {
  type SettleOptions,
  type SettleProgress,
  waitSettled,
  watchPullFailures,
} from "../../../src/capture/settle.ts";
import type { KubernetesObject, WatchEvent } from "../../../src/cluster/types.ts";
import { KubefileError } from "../../../src/error.ts";
import { apiAnswering } from "./api-answers.ts";
import { baselineOfRecording, recording, startTime, watcherOf, watcherOfObjects } from "./recorded.ts";
import { rollOut } from "./roll-out.ts";

const shop = recording("shop");
const broken = recording("broken");

/** Time that passes only by waiting. */
function virtualClock() {
  let now = startTime.getTime() + 600_000;
  const begin = now;
  return {
    now: () => new Date(now),
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
    passed: () => now - begin,
  };
}

function options(
  watcher: SettleOptions["watcher"],
  part: Partial<SettleOptions> = {},
): SettleOptions & { clock: ReturnType<typeof virtualClock> } {
  return {
    api: apiAnswering({ text: (path) => `log of ${path}\n` }),
    watcher,
    recorder: createPullRecorder(),
    mode: "ready",
    quietWindow: 20_000,
    timeout: 300_000,
    signal: new AbortController().signal,
    locate: () => ({ file: "Kubefile", line: 14 }),
    ...part,
    clock: virtualClock(),
  };
}

/** The objects of the broken recording whose names begin so. */
function only(...names: readonly string[]): SettleOptions["watcher"] {
  return watcherOf(broken, (object: KubernetesObject) => names.some((name) => object.metadata.name.startsWith(name)));
}

async function failure(settling: Promise<unknown>): Promise<KubefileError> {
  const error = await settling.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubefileError)) throw new Error(`no KubefileError but ${String(error)}`);
  return error;
}

describe("waitSettled", () => {
  it("grades a launch ready after the quiet window, with a CronJob's pod still running", async () => {
    const settling = options(watcherOf(shop));
    expect(await waitSettled(settling)).toBe("ready");
    expect(settling.clock.passed()).toBe(20_000);
  });

  it("waits for the window and no longer", async () => {
    const settling = options(watcherOf(shop), { quietWindow: 4_321 });
    await waitSettled(settling);
    expect(settling.clock.passed()).toBe(4_321);
  });

  it("starts the quiet window anew for an image that nodes pull and nothing names", async () => {
    const settling = options(watcherOf(shop));
    const recorder = createPullRecorder();
    const event = { kind: "manifest", method: "GET", status: 200, bytes: 1, milliseconds: 1, client: "n" } as const;
    const time = new Date(settling.clock.now().getTime() + 5_000);
    const repository = { host: "ghcr.io", path: "helper/tool" };
    recorder.onEvent({ ...event, time, repository, reference: "1" });
    await waitSettled({ ...settling, recorder });
    expect(settling.clock.passed()).toBe(25_000);
  });

  it("says what kept appearing, when there was always something new", async () => {
    const [, , , , pod] = rollOut(true);
    if (pod === undefined) throw new Error("no pod");
    const settling = options(watcherOf(shop), { timeout: 60_000 });
    const launch = createLaunchObjects({ baseline: baselineOfRecording(shop), now: settling.clock.now });
    for (const event of shop.events) launch.apply(event);
    const repository = { host: "ghcr.io", path: "helper/tool" };
    const recorder = createPullRecorder();
    // Each 15 seconds somebody makes a pod, which is gone soon.
    let made = 0;
    const sleep = async (milliseconds: number): Promise<void> => {
      await settling.clock.sleep(milliseconds);
      if (settling.clock.passed() < (made + 1) * 15_000) return;
      made += 1;
      const metadata = { ...pod.metadata, name: `check-${made}`, uid: `check-${made}`, ownerReferences: [] };
      launch.apply({ type: "ADDED", object: { ...pod, metadata } });
      const time = settling.clock.now();
      const event = { kind: "manifest", method: "GET", status: 200, bytes: 1, milliseconds: 1, client: "n" } as const;
      if (made === 3) recorder.onEvent({ ...event, time, repository, reference: "1" });
    };
    const watcher = { ...settling.watcher, ...launch };
    const clock = { ...settling.clock, sleep };
    const error = await failure(waitSettled({ ...settling, watcher, recorder, clock }));
    expect(error.message.split("\n")).toEqual([
      "something new kept appearing for 60 s:",
      "  pod shop/check-4 is new or changed",
      "  pod shop/check-3 is new or changed",
      "  pod shop/check-2 is new or changed",
      "  pod shop/check-1 is new or changed",
      "  a node asked for ghcr.io/helper/tool 1",
    ]);
    expect(error.hint).toContain("let --quiet-window be shorter than it (it is 20 s)");
  });

  it("tells how far the launch is", async () => {
    const seen: SettleProgress[] = [];
    await waitSettled(options(watcherOf(shop), { onProgress: (progress) => seen.push(progress) }));
    expect(seen[0]).toEqual({ podsReady: 9, podsTotal: 9, images: 9, waitingFor: ["quiet window"] });
  });

  it.each([
    ["gone", "ghcr.io/shop/gone:9 cannot be pulled: failed to resolve reference"],
    ["badname", '"ghcr.io/Shop/UPPER:1" is not an image reference'],
    ["never", "ghcr.io/shop/never:1 may not be pulled (imagePullPolicy Never), and no node holds it"],
  ])("gives up pod %s, whose image cannot be had, when that lasts", async (name, message) => {
    for (const mode of ["ready", "pulled"] as const) {
      const settling = options(only(name), { mode });
      const error = await failure(waitSettled(settling));
      expect(error).toMatchObject({ code: "PULL_FAILED", where: { file: "Kubefile", line: 14 } });
      expect(error.message).toContain(message);
      expect(error.message).toMatch(/^pod broken\/\S+ container app: /);
      expect(settling.clock.passed()).toBe(15_000);
    }
  });

  it.each([
    [401, "unauthorized", "needs a login: unauthorized", "log in to ghcr.io"],
    [403, "denied", "was refused: denied", "imagePullSecret"],
    [404, "manifest unknown", "was not found: manifest unknown", "check the name and the tag"],
    [429, "", "was refused for now, too many requests: status 429", "--mirror ghcr.io=URL"],
    [502, "dial tcp: i/o timeout", "could not be fetched: dial tcp: i/o timeout", "can be reached"],
  ])("says what the registry said: %s %s", async (status, said, message, hint) => {
    const recorder = createPullRecorder();
    const repository = { host: "ghcr.io", path: "shop/gone" };
    const event = {
      kind: "manifest",
      method: "HEAD",
      bytes: 0,
      milliseconds: 1,
      client: "n",
      time: startTime,
    } as const;
    recorder.onEvent({ ...event, repository, reference: "9", status, ...(said === "" ? {} : { error: said }) });
    const error = await failure(waitSettled(options(only("gone"), { recorder })));
    expect(error.message).toMatch(/^pod broken\/gone-\S+ container app: ghcr.io\/shop\/gone:9 /);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  });

  it.each([
    [
      'failed to pull and unpack image "ghcr.io/shop/gone:9": no match for platform in manifest: not found',
      "no match for platform in manifest: not found",
      "use an image that is built for the cluster's platform",
    ],
    [
      'failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip sha256:1): wrong diff id "sha256:2"',
      'failed to extract layer (application/vnd.oci.image.layer.v1.tar+gzip sha256:1): wrong diff id "sha256:2"',
      "ghcr.io gave what it has, and a node cannot use it: push the image again with a current tool",
    ],
    [
      "failed to do request: dial tcp 172.19.0.1:5: connect: connection refused",
      "failed to do request: dial tcp 172.19.0.1:5: connect: connection refused",
      "check that ghcr.io can be reached from where the build runs, or use a mirror (--mirror ghcr.io=URL)",
    ],
  ])("says what a node said when no registry refused anything: %s", async (words, said, hint) => {
    const [, , , pod] = rollOut(false);
    if (pod === undefined) throw new Error("no pod");
    const message = `Back-off pulling image "ghcr.io/shop/gone:9": ErrImagePull: rpc error: code = Unknown desc = ${words}`;
    const failing = {
      ...pod,
      metadata: { ...pod.metadata, ownerReferences: [] },
      spec: { containers: [{ name: "app", image: "ghcr.io/shop/gone:9" }] },
      status: { containerStatuses: [{ name: "app", state: { waiting: { reason: "ImagePullBackOff", message } } }] },
    };
    const error = await failure(waitSettled(options(watcherOfObjects([failing]))));
    expect(error.message).toBe(`pod shop/late-1-a container app: ghcr.io/shop/gone:9 cannot be pulled: ${said}`);
    expect(error.hint).toBe(hint);
  });

  it("tells an image once, however many replicas lack it", async () => {
    const [, , , pod] = rollOut(false);
    if (pod === undefined) throw new Error("no pod");
    const replicas = ["c", "a", "b"].map((name) => ({
      ...pod,
      metadata: { name, namespace: "shop", uid: name },
      spec: { containers: [{ name: "app", image: name === "c" ? "ghcr.io/shop/other:1" : "ghcr.io/shop/gone:9" }] },
    }));
    const several = await failure(waitSettled(options(watcherOfObjects(replicas))));
    expect(several.message.split("\n")).toEqual([
      "2 images cannot be pulled:",
      "  Kubefile:14: pod shop/a container app and 1 more: ghcr.io/shop/gone:9 cannot be pulled: not found",
      "  Kubefile:14: pod shop/c container app: ghcr.io/shop/other:1 cannot be pulled: not found",
    ]);
    const one = await failure(waitSettled(options(watcherOfObjects(replicas.slice(1)))));
    expect(one.message).toBe("pod shop/a container app and 1 more: ghcr.io/shop/gone:9 cannot be pulled: not found");
  });

  it("leaves pods alone that a roll-out replaces, whatever they lack", async () => {
    const settled = options(watcherOfObjects(rollOut(true)));
    expect(await waitSettled(settled)).toBe("ready");
    const late = await failure(waitSettled(options(watcherOfObjects(rollOut(false)), { timeout: 60_000 })));
    expect(late.message).toBe("the launch is not ready after 60 s:\n  pod shop/late-2-b: container app");
  });

  it("tells all failing images together, each with its place", async () => {
    const error = await failure(waitSettled(options(watcherOf(broken))));
    expect(error.message.split("\n")).toEqual([
      "3 images cannot be pulled:",
      expect.stringContaining("Kubefile:14: pod broken/badname container app: "),
      expect.stringContaining("Kubefile:14: pod broken/gone-"),
      expect.stringContaining("Kubefile:14: pod broken/never container app: "),
    ]);
  });

  it.each([
    ["nofit", "pod broken/nofit: Unschedulable: 0/1 nodes are available", 30_000],
    [
      "noconfig",
      'pod broken/noconfig container app: CreateContainerConfigError: configmap "missing" not found',
      30_000,
    ],
    ["nomount", "pod broken/nomount: FailedMount: MountVolume.SetUp failed", 30_000],
    ["forbidden", "ReplicaSet broken/forbidden-59bc9f7cc8: FailedCreate: Error creating: pods", 30_000],
    ["fails", "Job broken/fails: BackoffLimitExceeded: Job has reached the specified backoff limit", 15_000],
    ["crash", "container app: CrashLoopBackOff: back-off 2m40s restarting", 0],
  ])("fails for %s, which does not mend by itself", async (name, message, after) => {
    const settling = options(only(name));
    const error = await failure(waitSettled(settling));
    expect(error.code).toBe("NOT_SETTLED");
    expect(error.message).toContain(
      `Kubefile:14: ${message.startsWith("container") ? "pod broken/crash-5777474f4-5w5lq " : ""}${message}`,
    );
    expect(settling.clock.passed()).toBe(after);
  });

  it("lets a program that crashes until a database is up have one more try after that", async () => {
    const [, , , , template] = rollOut(true);
    if (template === undefined) throw new Error("no pod");
    const pod = (name: string, restartCount: number, state: object, isReady: boolean): KubernetesObject => ({
      ...template,
      metadata: { name, namespace: "shop", uid: name },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
        containerStatuses: [{ name: "app", restartCount, state }],
      },
    });
    const backOff = { waiting: { reason: "CrashLoopBackOff", message: "back-off" } };
    const run = async (comesUp: boolean) => {
      const settling = options(watcherOf(shop));
      const launch = createLaunchObjects({ baseline: baselineOfRecording(shop), now: settling.clock.now });
      const later: readonly (readonly [seconds: number, pod: KubernetesObject])[] = [
        [0, pod("db", 0, { running: {} }, false)],
        [0, pod("app", 3, backOff, false)],
        [75, pod("db", 0, { running: {} }, true)],
        [150, pod("app", 4, { running: {} }, comesUp)],
        [152, pod("app", 4, comesUp ? { running: {} } : backOff, comesUp)],
      ];
      let done = 0;
      const sleep = async (milliseconds: number): Promise<void> => {
        await settling.clock.sleep(milliseconds);
        for (const [seconds, object] of later.slice(done)) {
          if (settling.clock.passed() < seconds * 1000) break;
          launch.apply({ type: done < 2 ? "ADDED" : "MODIFIED", object });
          done += 1;
        }
      };
      await sleep(0);
      const watcher = { ...settling.watcher, ...launch };
      const outcome = await waitSettled({ ...settling, watcher, clock: { ...settling.clock, sleep } }).catch(
        (error: unknown) => (error instanceof KubefileError ? error.code : String(error)),
      );
      return { outcome, seconds: Math.round(settling.clock.passed() / 1000) };
    };
    expect(await run(true)).toEqual({ outcome: "ready", seconds: 170 });
    expect(await run(false)).toEqual({ outcome: "NOT_SETTLED", seconds: 152 });
  });

  it("tells an event once, though each try of a kubelet has another container's id in its words", async () => {
    const words = (id: string): string => `failed to generate container "${id.repeat(64)}" spec: no command specified`;
    const [, , , pod] = rollOut(false);
    if (pod === undefined) throw new Error("no pod");
    const waiting = { reason: "CreateContainerError", message: words("a") };
    const metadata = { ...pod.metadata, ownerReferences: [] };
    const status = { containerStatuses: [{ name: "app", state: { waiting } }] };
    const event = (reason: string, message: string) => ({ reason, message, count: 1, last: "" });
    const warnings = [
      event("Failed", `Error: ${words("b")}`),
      event("FailedMount", "a volume was late"),
      event("Failed", `Error: ${words("a")}`),
    ];
    const watcher = { ...watcherOfObjects([{ ...pod, metadata, status }]), warnings: () => warnings };
    const error = await failure(waitSettled(options(watcher)));
    expect(error.message.split("\n").slice(1)).toEqual([
      `  Kubefile:14: pod shop/late-1-a container app: CreateContainerError: ${words("a")}`,
      "    event FailedMount: a volume was late",
    ]);
  });

  it("fails for a Job that failed and was removed at once, as it asks for, unless another took its place", async () => {
    const job: KubernetesObject = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "migrate", namespace: "shop", uid: "first", deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { ttlSecondsAfterFinished: 0 },
      status: { conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "no luck" }] },
    };
    const run = (...events: readonly WatchEvent[]) =>
      waitSettled(options(watcherOf({ baseline: [], nodes: [], warnings: [], events })));
    for (const type of ["ADDED", "DELETED"] as const) {
      const error = await failure(run({ type, object: job }));
      expect(error.code).toBe("NOT_SETTLED");
      expect(error.message).toContain(
        "Job shop/migrate: BackoffLimitExceeded: no luck (removed after 0 s, as it asks for)",
      );
    }
    const { deletionTimestamp: _, ...metadata } = job.metadata;
    const late = { ...job, metadata, spec: { ttlSecondsAfterFinished: 3600 } };
    expect((await failure(run({ type: "ADDED", object: late }))).message).not.toContain("removed");
    const status = { conditions: [{ type: "Complete", status: "True" }] };
    const second = { ...job, metadata: { name: "migrate", namespace: "shop", uid: "second" }, status };
    expect(await run({ type: "DELETED", object: job }, { type: "ADDED", object: second })).toBe("ready");
    // Somebody has removed it by hand: that is how a launch goes on after a failure.
    expect(await run({ type: "DELETED", object: { ...job, spec: {} } })).toBe("ready");
  });

  it("waits for a pull of a pod that lacked a volume before", async () => {
    for (const reasons of [["FailedMount"], ["FailedMount", "Pulling"]]) {
      const watcher = only("nomount");
      const event = (reason: string) => ({ reason, message: `${reason} it is`, count: 1, last: "" });
      const warnings = () => reasons.map(event);
      const settling = options({ ...watcher, warnings }, { timeout: 120_000 });
      const error = await failure(waitSettled(settling));
      if (reasons.length === 1) {
        expect(error.message).toContain("pod broken/nomount: FailedMount: FailedMount it is");
        expect(settling.clock.passed()).toBe(30_000);
      } else {
        expect(error.message).toBe("the launch is not ready after 120 s:\n  pod broken/nomount: container app");
      }
      const pulled = options({ ...watcher, warnings }, { timeout: 1_000, mode: "pulled", quietWindow: 0 });
      const grade = await waitSettled(pulled).catch(() => "none");
      expect(grade).toBe(reasons.length === 1 ? "pulled" : "none");
    }
  });

  it("shows last log lines of crashed and failed pods, of the run that failed", async () => {
    const crashed = await failure(waitSettled(options(only("crash"))));
    expect(crashed.message).toMatch(
      /log of \/api\/v1\/namespaces\/broken\/pods\/crash-\S+\/log\?\S*container=app&previous=true/,
    );
    const failed = await failure(waitSettled(options(only("fails"))));
    expect(failed.message).toMatch(/log of \S+\/pods\/fails-tz8kc\/log/);
    expect(failed.message).not.toContain("previous");
  });

  it("shows those of the present run when a node has no others any more", async () => {
    const gone = "unable to retrieve container logs for containerd://5f";
    const text = (path: string): string => (path.includes("previous=true") ? gone : "no database\n");
    const error = await failure(waitSettled(options(only("crash"), { api: apiAnswering({ text }) })));
    expect(error.message).toContain("\n    log no database");
    const none = apiAnswering({ text: () => gone });
    const untold = await failure(waitSettled(options(only("crash"), { api: none })));
    expect(untold.message).toContain("log could not be read: the container is gone");
  });

  it("says so when logs cannot be read", async () => {
    const api = apiAnswering({});
    const error = await failure(waitSettled(options(only("crash"), { api })));
    expect(error.message).toContain("log could not be read: the API server was asked for");
  });

  it("waits on for what is stuck while something else goes on, until time is up", async () => {
    const settling = options(only("nofit", "blocked"), { timeout: 120_000 });
    const error = await failure(waitSettled(settling));
    expect(error.message).toMatch(/^the launch is not ready after 120 s:/);
    expect(error.message).toMatch(/pod broken\/blocked-\S+: init container wait/);
    expect(settling.clock.passed()).toBe(120_000);
  });

  it("grades what waits for anything but an image pulled, when told so", async () => {
    const stuck = only("nofit", "noconfig", "nomount", "forbidden", "crash", "blocked", "fails");
    expect(await waitSettled(options(stuck, { mode: "pulled" }))).toBe("pulled");
    expect(await waitSettled(options(watcherOf(shop), { mode: "pulled" }))).toBe("pulled");
  });

  it("ends on an abort, and when watching has failed", async () => {
    const aborted = await failure(waitSettled(options(watcherOf(shop), { signal: AbortSignal.abort() })));
    expect(aborted.code).toBe("CANCELLED");
    const lost = new KubefileError("CLUSTER_FAILED", "the API server is gone");
    expect(await failure(waitSettled(options({ ...watcherOf(shop), failure: lost })))).toBe(lost);
  });
});

describe("watchPullFailures", () => {
  it("fails for an image that cannot be had, and for nothing else", async () => {
    const error = await failure(watchPullFailures(options(only("gone", "crash"))));
    expect(error.code).toBe("PULL_FAILED");
    const stop = new AbortController();
    const settling = options(only("crash", "fails", "nofit"), { signal: stop.signal });
    const sleep = async (time: number): Promise<void> => {
      await settling.clock.sleep(time);
      if (settling.clock.passed() > 60_000) stop.abort();
    };
    const clock = { ...settling.clock, sleep };
    await watchPullFailures({ ...settling, clock });
    expect(stop.signal.aborted).toBe(true);
  });
});
