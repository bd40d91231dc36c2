import { expect, test } from "vitest";
import { tail } from "../../../src/cluster/kind.ts";
import { parseImageList } from "../../../src/cluster/node-images.ts";

test("of kind's output the error stays: no steps, no warnings about ourselves, no stack trace", () => {
  const output = [
    'Creating cluster "kubefile-x" ...',
    " • Preparing nodes 📦   ...",
    "WARNING: Here be dragons! This is not supported currently.",
    " ✗ Preparing nodes 📦 ",
    'ERROR: failed to create cluster: command "docker run" failed with error: exit status 125',
    "Command Output: no space left on device",
    "",
    "Stack Trace: ",
    "sigs.k8s.io/kind/pkg/errors.WithStack",
  ].join("\n");
  expect(tail(output).split("\n")).toEqual([
    'Creating cluster "kubefile-x" ...',
    " ✗ Preparing nodes 📦 ",
    'ERROR: failed to create cluster: command "docker run" failed with error: exit status 125',
    "Command Output: no space left on device",
  ]);
});

test("reads names and digests of ctr's table", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const table = [
    "REF                       TYPE                                   DIGEST   SIZE      PLATFORMS   LABELS",
    `docker.io/library/app:1   application/vnd.oci.image.manifest.v1+json ${digest} 1.2 MiB linux/amd64 io.cri-containerd.image=managed`,
    `${digest} application/vnd.oci.image.index.v1+json ${digest} 1.2 MiB linux/amd64,linux/arm64 -`,
    "",
  ].join("\n");
  expect(parseImageList(table)).toEqual([
    { name: "docker.io/library/app:1", digest },
    { name: digest, digest },
  ]);
});
