import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type Architecture, waitingProgram } from "../../support/static-program.ts";

/** Puts tiny images into a registry: one layer that all share, one of their own. */
export async function publishImages(registry: DockerRegistry, count: number): Promise<readonly string[]> {
  const architecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const shared = await buildLayer([{ path: "app", content: waitingProgram(architecture), mode: 0o755 }]);
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = await buildLayer([{ path: "name", content: `${index}\n` }]);
    const image = buildImage({ format: "oci", layers: [shared, own], entrypoint: ["/app"] });
    await uploadImage(registry, `tiny/image-${index}`, "1", image);
    names.push(`docker.io/tiny/image-${index}:1`);
  }
  return names;
}

/** An application of one pod an image. */
export async function contextOfImages(directory: string, images: readonly string[]): Promise<string> {
  await mkdir(join(directory, "manifests"), { recursive: true });
  const pods = images.map((image, index) => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: `pod-${index}`, namespace: "default" } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: "app", image }] },
  }));
  await writeFile(join(directory, "manifests", "pods.yaml"), pods.map((pod) => JSON.stringify(pod)).join("\n---\n"));
  const lines = ["FROM scratch", "COPY manifests manifests/", "CMD kubectl apply -f manifests/pods.yaml", ""];
  await writeFile(join(directory, "Kubefile"), lines.join("\n"));
  return directory;
}

const FILES_PER_DIRECTORY = 100;

/** Files of some hundred bytes, a hundred in each directory, and no image. */
export async function contextOfFiles(directory: string, count: number): Promise<string> {
  for (let index = 0; index < count; index += 1) {
    const folder = join(directory, "data", `${Math.floor(index / FILES_PER_DIRECTORY)}`);
    if (index % FILES_PER_DIRECTORY === 0) await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${index}.conf`), `setting ${index}\n`.repeat(20));
  }
  await writeFile(join(directory, "Kubefile"), ["FROM scratch", "COPY data data/", "CMD true", ""].join("\n"));
  return directory;
}
