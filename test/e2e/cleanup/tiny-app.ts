import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { type Architecture, waitingProgram } from "../../support/static-program.ts";
import { podManifest, writeContext } from "../shop/context.ts";

/** The smallest application there is: one pod; a step and a launch that take a moment, so that they can be met in it. */
export interface TinyApp {
  /** A build context. */
  readonly context: string;
  /** Holds its image, as docker.io, and takes the result. */
  readonly registry: DockerRegistry;
  /** Flags by which a command finds the registry. */
  readonly mirror: readonly string[];
  /** Where the result is pushed to. */
  readonly reference: string;
  stop(): Promise<void>;
}

export const tinyImage = "docker.io/tiny/app:1";
/** In the registry, but no part of the application. */
export const strangerImage = "docker.io/tiny/stranger:1";

/** @param address of its registry; loopback when absent */
export async function startTinyApp(directory: string, address?: string): Promise<TinyApp> {
  const registry = await startDockerRegistry(address === undefined ? {} : { address });
  const program = waitingProgram(process.arch === "arm64" ? "arm64" : ("amd64" satisfies Architecture));
  for (const name of ["app", "stranger"]) {
    const layer = await buildLayer([
      { path: "app", content: program, mode: 0o755 },
      { path: "name", content: name },
    ]);
    const image = buildImage({ format: "oci", layers: [layer], entrypoint: ["/app"] });
    await uploadImage(registry, `tiny/${name}`, "1", image);
  }
  const context = await writeContext(join(directory, "tiny"), {
    Kubefile: [
      "FROM scratch",
      "COPY manifests manifests/",
      "RUN echo begun && sleep 3 && echo made > made",
      "CMD kubectl apply -f manifests/pod.yaml",
      "CMD sleep 2",
      "",
    ].join("\n"),
    "manifests/pod.yaml": podManifest("tiny", tinyImage),
  });
  return {
    context,
    registry,
    mirror: ["--mirror", `docker.io=${registry.url}`],
    reference: `${registry.host}/demo/tiny:1`,
    async stop() {
      await registry.stop();
      await rm(context, { recursive: true, force: true });
    },
  };
}
