import { expect, test } from "vitest";
import { hostAndPort, hostsToml } from "../../../src/cluster/hosts.ts";

test("hosts.toml names the proxy as the only server, with the run's header and the stub for old containerd", () => {
  expect(hostsToml({ address: "172.18.0.1", port: 5000, runToken: "f00d" })).toBe(
    [
      'server = "http://172.18.0.1:5000"',
      'capabilities = ["pull", "resolve"]',
      "[header]",
      '  x-kubefile-run = "f00d"',
      "[host]",
      "",
    ].join("\n"),
  );
});

test.each([
  ["172.18.0.1", "172.18.0.1:80"],
  ["fc00::1", "[fc00::1]:80"],
  ["proxy.example", "proxy.example:80"],
])("%s with a port is %s", (address, expected) => {
  expect(hostAndPort(address, 80)).toBe(expected);
});
