import { getServers } from "node:dns";
import { BlockList } from "node:net";

const PREFIX_LENGTH = 16;
/**
 * kind's own range for services, and those that take its place. Engines make their networks in 172.16.0.0/12 and
 * 192.168.0.0/16, and pods are in 10.244.0.0/16.
 */
const [kindsOwn, ...others] = ["10.96.0.0", "10.112.0.0", "10.176.0.0"] as const;

/**
 * The range of a cluster's services, where it cannot be kind's own: nodes ask the nameservers of this machine from within
 * their own network. One that has an address of the cluster's services would be the cluster's own DNS, which asks
 * nodes in turn. In a pod of a cluster that kubeadm made, it has.
 *
 * @param nameservers of this machine, which those of the engine beside it in one pod are, too
 */
export function serviceSubnet(nameservers: readonly string[] = getServers()): string | undefined {
  const addresses = nameservers.flatMap((server) => /^\d+\.\d+\.\d+\.\d+(?=$|:)/.exec(server)?.[0] ?? []);
  const isFree = (range: string): boolean => {
    const list = new BlockList();
    list.addSubnet(range, PREFIX_LENGTH);
    return !addresses.some((address) => list.check(address));
  };
  if (isFree(kindsOwn)) return undefined;
  const free = others.find(isFree);
  return free === undefined ? undefined : `${free}/${PREFIX_LENGTH}`;
}
