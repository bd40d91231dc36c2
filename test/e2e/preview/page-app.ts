import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { buildImage, buildLayer } from "../../support/image-builder.ts";
import { uploadImage } from "../../support/image-upload.ts";
import { baseLayer } from "../../support/shop/images.ts";
import { writeContext } from "../shop/context.ts";

/** A chart whose pod serves one page, with what its values and the launch's variables say. */
export interface PageApp {
  /** A build context. */
  readonly context: string;
  /** Holds its image, as docker.io. */
  readonly registry: DockerRegistry;
  /** Flags by which a command finds the registry, and does not wait long. */
  readonly flags: readonly string[];
  stop(): Promise<void>;
}

const deployment = `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data:
  index.html: "{{ .Values.page.greeting }} {{ .Values.page.name }}\\n"
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: page }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: docker.io/page/web:1
          ports: [{ name: page, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: page }, periodSeconds: 1 }
          volumeMounts: [{ name: page, mountPath: /srv }]
      volumes: [{ name: page, configMap: { name: page } }]
`;

export async function startPageApp(directory: string): Promise<PageApp> {
  const registry = await startDockerRegistry();
  const script = "#!/bin/sh\necho 'serving the page'\nexec httpd -f -vv -p 8080 -h /srv\n";
  const program = await buildLayer([{ path: "usr/bin/start", content: script, mode: 0o755 }]);
  const image = buildImage({ format: "oci", layers: [await baseLayer(), program], entrypoint: ["/usr/bin/start"] });
  await uploadImage(registry, "page/web", "1", image);
  const context = await writeContext(join(directory, "page"), {
    Kubefile: "FROM scratch\nENV NAME=world\nAPP page local://chart/\nLAUNCH page\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: page\nversion: 1.0.0\n",
    "chart/values.yaml": "page:\n  greeting: hello\n  name: world\n",
    "chart/templates/page.yaml": deployment,
  });
  return {
    context,
    registry,
    flags: ["--mirror", `docker.io=${registry.url}`, "--quiet-window", "2s"],
    async stop() {
      await registry.stop();
      await rm(context, { recursive: true, force: true });
    },
  };
}
