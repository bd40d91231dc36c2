import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { docker } from "../../support/docker.ts";

/**
 * Plays a host's firewall that lets a run's nodes reach the proxy and nothing else, from the moment they know where the
 * proxy is until the run has ended.
 */
export async function refuseAllButTheProxy(runId: string, ended: AbortSignal): Promise<void> {
  const port = await proxyPort(`kubefile-${runId}-control-plane`, ended);
  const network = (await docker("network", "inspect", `kubefile-${runId}`, "--format", "{{.Id}}")).trim();
  const refused = ["INPUT", "--in-interface", `br-${network.slice(0, 12)}`, "--protocol", "tcp", "--syn"];
  const rule = [...refused, "!", "--dport", port, "--jump", "REJECT"];
  await iptables("--insert", rule);
  try {
    while (!ended.aborted) await sleep(100);
  } finally {
    await iptables("--delete", rule);
  }
}

async function proxyPort(node: string, ended: AbortSignal): Promise<string> {
  while (!ended.aborted) {
    const hosts = await docker("exec", node, "cat", "/etc/containerd/certs.d/_default/hosts.toml").catch(() => "");
    const port = /^server = "http:\/\/[^"]*:(\d+)"$/m.exec(hosts)?.[1];
    if (port !== undefined) return port;
    await sleep(200);
  }
  throw new Error("the run ended before its node knew of a proxy");
}

async function iptables(action: "--insert" | "--delete", rule: readonly string[]): Promise<void> {
  await promisify(execFile)("iptables", ["--wait", action, ...rule]);
}
