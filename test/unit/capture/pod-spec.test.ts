import { describe, expect, it } from "vitest";
import { containerText, imagesOfPodSpec } from "../../../src/capture/pod-spec.ts";
import { podSpecOf } from "../../../src/capture/template-of.ts";

describe("imagesOfPodSpec", () => {
  it("finds containers of all three lists and image volumes, with their places", () => {
    const spec = {
      initContainers: [{ name: "wait", image: "a:1" }],
      containers: [{ name: "app", image: " b:1 " }, { name: "no image" }],
      ephemeralContainers: [{ name: "debug", image: "c:1", targetContainerName: "app" }],
      volumes: [
        { name: "data", emptyDir: {} },
        { name: "model", image: { reference: "d:1", pullPolicy: "Always" } },
      ],
    };
    const images = imagesOfPodSpec(spec);
    expect(images.map((image) => `${containerText(image)} ${image.image} ${image.path.join(".")}`)).toEqual([
      "init container wait a:1 initContainers.0.image",
      "container app b:1 containers.0.image",
      "ephemeral container debug c:1 ephemeralContainers.0.image",
      "image volume model d:1 volumes.1.image.reference",
    ]);
  });

  it.each([
    undefined,
    null,
    "text",
    [],
    { containers: "x" },
    { containers: [null, 1, { image: 7 }, { image: "" }] },
    { volumes: [{ image: "text" }] },
  ])("finds nothing in %j", (spec) => {
    expect(imagesOfPodSpec(spec)).toEqual([]);
  });
});

describe("podSpecOf", () => {
  const spec = { containers: [] };
  it.each([
    ["v1", "Pod", { spec }],
    ["v1", "PodTemplate", { template: { spec } }],
    ["v1", "ReplicationController", { spec: { template: { spec } } }],
    ["apps/v1", "Deployment", { spec: { template: { spec } } }],
    ["extensions/v1beta1", "DaemonSet", { spec: { template: { spec } } }],
    ["batch/v1", "Job", { spec: { template: { spec } } }],
    ["batch/v1beta1", "CronJob", { spec: { jobTemplate: { spec: { template: { spec } } } } }],
  ])("knows where %s %s keeps it", (apiVersion, kind, rest) => {
    expect(podSpecOf({ apiVersion, kind, ...rest })?.spec).toBe(spec);
  });

  it.each([
    ["apps.example.com/v1", "Deployment"],
    ["v1", "Service"],
    ["v1", "toString"],
  ])("knows nothing of %s %s", (apiVersion, kind) => {
    expect(podSpecOf({ apiVersion, kind, spec: { template: { spec } } })).toBeUndefined();
  });
});
