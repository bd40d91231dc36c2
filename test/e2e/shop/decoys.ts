import { createServer } from "node:https";
import type { Engine } from "../../../src/cluster/engine.ts";
import type { ClusterNode } from "../../../src/cluster/types.ts";
import type { Certificate } from "../../support/certificate.ts";

/** Registries as images name them, and the names under which they are really asked. */
export const decoyNames = {
  "docker.io": "registry-1.docker.io",
  "quay.io": "quay.io",
  "ghcr.io": "ghcr.io",
  "registry.k8s.io": "registry.k8s.io",
  "registry.shop.test:5000": "registry.shop.test",
} as const;

export interface Decoys {
  /** `connection` for each, `quay.io GET /v2/` for each request. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

/** Plays all of these registries at an address, with a certificate for their real names; they hold no image. */
export async function startDecoys(address: string, { certificate, key }: Certificate): Promise<Decoys> {
  const seen: string[] = [];
  const servers = [443, 5000].map((port) => {
    const server = createServer({ cert: certificate, key }, (request, response) => {
      seen.push(`${request.headers.host} ${request.method} ${request.url}`);
      response.writeHead(404).end();
    });
    server.on("connection", () => seen.push("connection"));
    return { port, server };
  });
  await Promise.all(
    servers.map(({ port, server }) => new Promise<void>((resolve) => server.listen(port, address, resolve))),
  );
  return {
    seen,
    async close() {
      await Promise.all(
        servers.map(({ server }) => {
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          server.closeAllConnections();
          return closed;
        }),
      );
    },
  };
}

/** Makes a node find the decoys under the real names, and believe them. */
export async function misleadNode(
  engine: Engine,
  node: ClusterNode,
  decoys: { readonly address: string; readonly certificate: string },
): Promise<void> {
  const entries = Object.values(decoyNames).map((name) => `echo '${decoys.address} ${name}' >> /etc/hosts`);
  // Authorities are read once in the life of a process.
  const trust = "cat >> /etc/ssl/certs/ca-certificates.crt && systemctl restart containerd";
  await engine.docker(["exec", "-i", node.name, "sh", "-ec", [...entries, trust].join("\n")], {
    input: decoys.certificate,
  });
}
