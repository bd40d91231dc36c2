import { expect, test } from "vitest";
import { egressRules, uplinkInterfaces } from "../../../src/cluster/egress.ts";

test("one node: docker's DNS first, then the proxy, the node, answers, and nothing else out", () => {
  const rules = egressRules({
    uplinks: ["eth0"],
    allow: { address: "172.18.0.1", port: 5000 },
    peers: ["172.18.0.2"],
    podSubnets: [],
  });
  const chain = (name: string): string[] => {
    const lines = rules.split("\n").map((line) => line.trim());
    const start = lines.indexOf(`chain ${name} {`);
    return lines.slice(start + 1, lines.indexOf("}", start));
  };
  expect(chain("output")).toEqual([
    "type filter hook output priority 10; policy accept;",
    "ip daddr 127.0.0.11 goto refuse",
    "ip daddr 172.18.0.1 tcp dport 5000 accept",
    "ip daddr 172.18.0.2 accept",
    "ct direction reply ct state established,related accept",
    'oifname { "eth0" } goto refuse',
  ]);
  expect(chain("forward").join("\n")).not.toContain("5000");
  expect(chain("forward").at(-1)).toBe('oifname { "eth0" } goto refuse');
  expect(chain("input")).toContain("ip daddr 127.0.0.11 goto refuse");
});

test("several nodes reach one another's pods, IPv6 addresses by their own family", () => {
  const rules = egressRules({
    uplinks: ["eth0", "eth1"],
    allow: { address: "fc00::1", port: 5000 },
    peers: ["172.18.0.2", "fc00::2"],
    podSubnets: ["10.244.0.0/16", "fd00:10:244::/56"],
  });
  expect(rules).toContain("ip6 daddr fc00::1 tcp dport 5000 accept");
  expect(rules).toContain("ip6 daddr fc00::2 accept");
  expect(rules).toContain("ip daddr 10.244.0.0/16 accept");
  expect(rules).toContain("ip6 daddr fd00:10:244::/56 accept");
  expect(rules).toContain('oifname { "eth0", "eth1" } goto refuse');
});

test("an uplink is what has the node's address or a default route", () => {
  const told = [
    "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever",
    "2: veth12ab    inet 10.244.0.1/32 scope global veth12ab\\       valid_lft forever",
    "9: eth0    inet 172.18.0.2/16 brd 172.18.255.255 scope global eth0\\       valid_lft forever",
    "9: eth0    inet6 fe80::42:acff:fe12:2/64 scope link \\       valid_lft forever",
    "default via 192.168.0.1 dev eth1",
  ].join("\n");
  expect(uplinkInterfaces(told, "172.18.0.2")).toEqual(["eth0", "eth1"]);
  expect(uplinkInterfaces("", "172.18.0.2")).toEqual([]);
});
