import { expect, test } from "vitest";
import { serviceSubnet } from "../../../src/cluster/service-subnet.ts";

test.each([
  ["of a machine", ["192.168.1.1", "fe80::1%eth0", "127.0.0.53"]],
  ["of another cluster's range", ["10.43.0.10"]],
  ["next to kind's own range", ["10.95.255.255", "10.97.0.0"]],
  ["that are IPv6 alone", ["fd00::a", "[fd00::b]:5353"]],
  ["that nobody knows", []],
])("with nameservers %s the range of services is kind's own", (_, nameservers) => {
  expect(serviceSubnet(nameservers)).toBeUndefined();
});

test.each([
  ["in a pod of a cluster that has kind's own range", ["10.96.0.10"], "10.112.0.0/16"],
  ["with a port", ["8.8.8.8", "10.96.0.10:5353"], "10.112.0.0/16"],
  ["in a cluster in a cluster", ["10.96.0.10", "10.112.0.10"], "10.176.0.0/16"],
])("with a nameserver %s it is another", (_, nameservers, range) => {
  expect(serviceSubnet(nameservers)).toBe(range);
});
