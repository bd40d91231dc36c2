import { describe, expect, test } from "vitest";
import { engineFor } from "../../../src/cluster/engine.ts";
import { addressesForNodes, hostOfEndpoint, placeOfEngine } from "../../../src/cluster/engine-place.ts";

describe("hostOfEndpoint", () => {
  test.each<[endpoint: string, host: string | undefined]>([
    ["unix:///var/run/docker.sock", undefined],
    ["npipe:////./pipe/docker_engine", undefined],
    ["fd://", undefined],
    ["", undefined],
    ["tcp://", undefined],
    ["tcp://docker:2376", "docker"],
    ["tcp://Docker:2375", "docker"],
    ["tcp://10.0.0.7:2376", "10.0.0.7"],
    ["tcp://[fd00::7]:2376", "fd00::7"],
    ["tcp://localhost:2375", "localhost"],
    ["ssh://ci@build.example", "build.example"],
    ["ssh://ci@build.example:2222", "build.example"],
    ["https://build.example:2376", "build.example"],
  ])("%s: %s", (endpoint, host) => {
    expect(hostOfEndpoint(endpoint)).toBe(host);
  });
});

describe("placeOfEngine", () => {
  const place = (DOCKER_HOST: string): ReturnType<typeof placeOfEngine> => placeOfEngine(engineFor({ DOCKER_HOST }));

  test("a socket, and what shares our loopback, is here", async () => {
    expect(await place("unix:///var/run/docker.sock")).toEqual({ kind: "here" });
    expect(await place("tcp://127.0.0.1:2375")).toEqual({ kind: "here" });
    expect(await place("tcp://localhost:2376")).toEqual({ kind: "here" });
  });

  test("another machine is elsewhere, also when there is no way to it", async () => {
    expect(await place("tcp://engine.invalid:2376")).toEqual({
      kind: "elsewhere",
      host: "engine.invalid",
      localAddress: undefined,
    });
  });
});

describe("addressesForNodes", () => {
  const own = ["192.0.2.2", "172.18.0.1"];

  test("here: the network's gateway, then our own", () => {
    expect(addressesForNodes({ kind: "here" }, "172.19.0.1", own)).toEqual(["172.19.0.1", "192.0.2.2", "172.18.0.1"]);
    expect(addressesForNodes({ kind: "here" }, undefined, own)).toEqual(own);
  });

  test("elsewhere: our address on the way there; its gateway last, which may have the number of one of ours", () => {
    const there = { kind: "elsewhere", host: "docker", localAddress: "10.1.0.2" } as const;
    expect(addressesForNodes(there, "172.19.0.1", own)).toEqual(["10.1.0.2", "192.0.2.2", "172.18.0.1", "172.19.0.1"]);
    expect(addressesForNodes({ ...there, localAddress: "192.0.2.2" }, "172.18.0.1", own)).toEqual(own);
  });
});
