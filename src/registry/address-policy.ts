import { isIPv4, isIPv6 } from "node:net";

/**
 * True for an address of the public internet. Everything that routes inside a host, a site or a provider is not:
 * private, shared (CGNAT), loopback, link-local (where cloud metadata lives), multicast, reserved and documentation
 * ranges of both families, and IPv6 forms that embed such an IPv4 address (IANA special-purpose registries).
 */
export function isGlobalAddress(address: string): boolean {
  if (isIPv4(address)) return isGlobalV4(bytesOfV4(address));
  if (isIPv6(address)) return isGlobalV6(bytesOfV6(address));
  return false;
}

type Range = readonly [address: string, prefixBits: number];

const specialV4: readonly Range[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/** Inside 2000::/3, the only block from which global unicast addresses are given out. */
const specialV6: readonly Range[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** Alibaba's metadata service sits in CGNAT space and falls under it; Azure's has a public-looking address. */
const metadataV4: readonly Range[] = [["168.63.129.16", 32]];

function isGlobalV4(bytes: readonly number[]): boolean {
  return ![...specialV4, ...metadataV4].some(([address, bits]) => startsWith(bytes, bytesOfV4(address), bits));
}

function isGlobalV6(bytes: readonly number[]): boolean {
  const embedsV4 = startsWith(bytes, bytesOfV6("::ffff:0:0"), 96) || startsWith(bytes, bytesOfV6("64:ff9b::"), 96);
  if (embedsV4) return isGlobalV4(bytes.slice(12));
  if (!startsWith(bytes, bytesOfV6("2000::"), 3)) return false;
  return !specialV6.some(([address, bits]) => startsWith(bytes, bytesOfV6(address), bits));
}

function startsWith(bytes: readonly number[], range: readonly number[], bits: number): boolean {
  return range.every((expected, position) => {
    const significant = Math.min(8, Math.max(0, bits - position * 8));
    const mask = (0xff << (8 - significant)) & 0xff;
    return ((bytes[position] ?? 0) & mask) === (expected & mask);
  });
}

function bytesOfV4(address: string): number[] {
  return address.split(".").map(Number);
}

/** Takes what `isIPv6` accepts: `::`, a zone, and an IPv4 tail included. */
function bytesOfV6(address: string): number[] {
  const [withoutZone = ""] = address.split("%");
  const [head = "", tail] = withoutZone.split("::");
  const front = groupBytes(head);
  const back = tail === undefined ? [] : groupBytes(tail);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

function groupBytes(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return bytesOfV4(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
