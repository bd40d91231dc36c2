import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { docker } from "../../support/docker.ts";

/** A web server that containers reach, and that is neither a registry nor the cluster. */
export interface Outside {
  /** `http://172.19.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves one text under every path, at the gateway of a docker network of its own. */
export async function startOutside(text: string): Promise<Outside> {
  const network = `outside-${randomBytes(4).toString("hex")}`;
  await docker("network", "create", network);
  const format = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
  const address = (await docker("network", "inspect", network, "--format", format)).trim();
  const server = createServer((_request, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  return {
    url: `http://${address}:${bound.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await docker("network", "rm", network);
    },
  };
}
