import { describe, expect, test } from "vitest";
import { imageVersion, nodeImageFor } from "../../../src/cluster/node-image.ts";

const local = ["kindest/node:v1.34.4", "kindest/node:v1.31.2"];

const lockedImage = `docker.io/kindest/node:v1.33.7@sha256:${"a".repeat(64)}`;

describe("the node image", () => {
  test.each([
    ["nothing asked, one of the default version here", {}, local, "kindest/node:v1.34.4"],
    ["nothing asked, nothing here", {}, [], /^kindest\/node:v1\.34\.11@sha256:/],
    ["a minor version that is here", { kubeVersion: "v1.34" }, local, "kindest/node:v1.34.4"],
    ["a minor version that is only here", { kubeVersion: "1.31" }, local, "kindest/node:v1.31.2"],
    ["a minor version that is only pinned", { kubeVersion: "1.35" }, local, /^kindest\/node:v1\.35\.8@sha256:/],
    ["a whole version that is here", { kubeVersion: "v1.34.4" }, local, "kindest/node:v1.34.4"],
    ["a whole version that is pinned", { kubeVersion: "v1.34.11" }, local, /^kindest\/node:v1\.34\.11@sha256:/],
    ["a whole version that nobody knows", { kubeVersion: "1.30.7" }, local, "kindest/node:v1.30.7"],
    ["a wide range: the default version", { kubeVersion: ">=1.19" }, local, "kindest/node:v1.34.4"],
    ["a range without the default version", { kubeVersion: ">=1.20 <1.32" }, local, "kindest/node:v1.31.2"],
    ["an image", { override: "registry.example/node:mine" }, local, "registry.example/node:mine"],
    ["the lock's, before what is here", { locked: lockedImage }, local, lockedImage],
    ["the lock's that fits", { locked: lockedImage, kubeVersion: "1.33" }, local, lockedImage],
    [
      "no lock's that does not fit",
      { locked: lockedImage, kubeVersion: "v1.34.4" },
      ["kindest/node:v1.34.4"],
      "kindest/node:v1.34.4",
    ],
    ["an image before the lock's", { locked: lockedImage, override: "my/node:v1.30.1" }, local, "my/node:v1.30.1"],
    ["an image that fits", { override: "my/node:v1.30.1", kubeVersion: "1.30" }, local, "my/node:v1.30.1"],
    ["an image of unknown version", { override: "my/node:latest", kubeVersion: "1.30" }, local, "my/node:latest"],
  ])("%s", (_case, wish, present, expected) => {
    const chosen = nodeImageFor({ ...wish, local: present });
    if (typeof expected === "string") expect(chosen).toBe(expected);
    else expect(chosen).toMatch(expected);
  });

  test.each([
    ["a minor version that nobody knows", { kubeVersion: "1.12" }, "NODE_IMAGE_MISSING", "Kubernetes 1.12"],
    ["a contradiction", { kubeVersion: "1.33", override: "my/node:v1.34.1" }, "NODE_IMAGE_MISSING", "contradict"],
    ["no version", { kubeVersion: "newest" }, "KUBEFILE_INVALID", "KUBEVERSION newest"],
  ])("fails for %s", (_case, wish, code, message) => {
    expect(() => nodeImageFor({ ...wish, local })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

test.each([
  ["kindest/node:v1.34.4", [1, 34, 4]],
  [`kindest/node:v1.34.4@sha256:${"0".repeat(64)}`, [1, 34, 4]],
  ["localhost:5000/node:v1.34.4", [1, 34, 4]],
  ["localhost:5000/node", undefined],
  ["kindest/node:latest", undefined],
  [`kindest/node@sha256:${"0".repeat(64)}`, undefined],
])("the version of %s", (image, version) => {
  expect(imageVersion(image)).toEqual(version);
});
