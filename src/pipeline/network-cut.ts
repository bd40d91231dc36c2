import { cutEgress } from "../cluster/egress.ts";
import { type EgressCanary, type EgressPlace, openEgressCanary, probeEgress } from "../cluster/egress-probe.ts";
import type { Engine } from "../cluster/engine.ts";
import { KubefileError } from "../error.ts";
import { bringsNetwork } from "../plan/own-network.ts";
import type { ArtifactCluster } from "./artifact-cluster.ts";
import type { Host } from "./host.ts";

/**
 * A cut that nothing was seen to cross proves nothing unless the same probe got through before it.
 *
 * @throws KubefileError VERIFY_INVALID
 */
export async function cutAndProve(parts: {
  readonly host: Host;
  readonly engine: Engine;
  readonly prepared: ArtifactCluster;
}): Promise<void> {
  const { host, engine, prepared } = parts;
  const { cluster, container } = prepared;
  const { signal } = host;
  const { address } = prepared.proxy.endpoint;
  const places: EgressPlace[] = bringsNetwork(prepared.image.config.labels)
    ? ["node", "host-network pod", "launch container"]
    : ["node", "pod", "host-network pod", "launch container"];
  const canary = await openEgressCanary({ engine, cluster, address });
  const probe = (dnsName: string): ReturnType<typeof probeEgress> =>
    probeEgress({
      ...{ engine, cluster, places, signal, launchContainer: container },
      canary: { address: canary.address, port: canary.port, dnsName },
    });
  try {
    const [firstName, secondName]: EgressCanary["dnsNames"] = canary.dnsNames;
    const before = await probe(firstName);
    const unheard = [...before].filter(([, { tcp, dns }]) => !tcp || !dns).map(([place]) => place);
    if (unheard.length > 0) {
      throw new KubefileError(
        "VERIFY_INVALID",
        `the canary on the host does not answer from ${unheard.join(", ")} before the cut, so silence after it would prove nothing`,
        { hint: "a firewall between the cluster's network and the host, or its DNS, is in the way" },
      );
    }
    await cutEgress({ engine, cluster, allow: prepared.proxy.endpoint, signal });
    const after = await probe(secondName);
    const heard = [...after].filter(([, { tcp, dns }]) => tcp || dns).map(([place]) => place);
    if (heard.length > 0) {
      throw new KubefileError(
        "VERIFY_INVALID",
        `the canary on the host still answers from ${heard.join(", ")} after the cut`,
        {
          hint: "the node's kernel lets packets past the filter: please report it with `uname -r`",
        },
      );
    }
  } finally {
    await canary.close();
  }
}
