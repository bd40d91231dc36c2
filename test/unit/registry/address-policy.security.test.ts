import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGlobalAddress } from "../../../src/registry/address-policy.ts";

describe("isGlobalAddress", () => {
  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "169.253.255.255",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
  ])("takes %s", (address) => {
    expect(isGlobalAddress(address)).toBe(true);
  });

  it.each([
    ["this host", "0.0.0.0"],
    ["this network", "0.1.2.3"],
    ["private", "10.0.0.1"],
    ["private", "172.16.0.1"],
    ["private", "172.31.255.255"],
    ["private", "192.168.1.1"],
    ["loopback", "127.0.0.1"],
    ["loopback", "127.255.255.254"],
    ["CGNAT", "100.64.0.1"],
    ["CGNAT", "100.127.255.255"],
    ["metadata of Alibaba", "100.100.100.200"],
    ["metadata", "169.254.169.254"],
    ["metadata of ECS", "169.254.170.2"],
    ["metadata of Azure", "168.63.129.16"],
    ["protocol assignments", "192.0.0.192"],
    ["documentation", "192.0.2.1"],
    ["documentation", "198.51.100.1"],
    ["documentation", "203.0.113.1"],
    ["6to4 relay", "192.88.99.1"],
    ["benchmarks", "198.18.0.1"],
    ["benchmarks", "198.19.255.255"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["unspecified", "::"],
    ["loopback", "::1"],
    ["mapped loopback", "::ffff:127.0.0.1"],
    ["mapped metadata", "::ffff:a9fe:a9fe"],
    ["mapped private", "0:0:0:0:0:ffff:10.0.0.1"],
    ["compatible loopback", "::127.0.0.1"],
    ["translated private", "64:ff9b::10.0.0.1"],
    ["translated locally", "64:ff9b:1::8.8.8.8"],
    ["discard", "100::1"],
    ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    ["documentation", "2001:db8::1"],
    ["6to4 of a private address", "2002:a00:1::1"],
    ["documentation", "3fff::1"],
    ["unique local", "fc00::1"],
    ["metadata of AWS", "fd00:ec2::254"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["site-local", "fec0::1"],
    ["multicast", "ff02::1"],
    ["not an address", "localhost"],
    ["octal", "0177.0.0.1"],
    ["decimal", "2130706433"],
    ["empty", ""],
  ])("refuses %s: %s", (_what, address) => {
    expect(isGlobalAddress(address)).toBe(false);
  });

  it("judges a mapped IPv4 address as the address itself", () => {
    fc.assert(fc.property(fc.ipV4(), (address) => isGlobalAddress(`::ffff:${address}`) === isGlobalAddress(address)));
  });

  it("takes no IPv6 address outside the global unicast block", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const first = Number.parseInt(address.startsWith("::") ? "0" : (address.split(":")[0] ?? "0"), 16);
        return first >> 13 === 1 || first === 0x64 || first === 0 || !isGlobalAddress(address);
      }),
    );
  });
});
