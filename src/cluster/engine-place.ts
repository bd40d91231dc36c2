import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { Engine } from "./engine.ts";

/**
 * Where an engine is, as far as it decides how this process and its containers reach one another. `here`: ports that it
 * publishes on loopback are ours, and its networks' gateways are addresses of ours. `elsewhere`: on another machine, or
 * beside this job in a container of its own, as `docker:dind` is.
 */
export type EnginePlace = { readonly kind: "here" } | EngineElsewhere;

export interface EngineElsewhere {
  readonly kind: "elsewhere";
  /** Name or address by which this machine knows it: `docker`. */
  readonly host: string;
  /** Of this machine, on the way to it; undefined when there is no way. */
  readonly localAddress: string | undefined;
}

/** Where the engine of DOCKER_HOST is, or else that of the docker CLI's context. Nothing is sent to it. */
export async function placeOfEngine(engine: Engine, signal?: AbortSignal): Promise<EnginePlace> {
  const host = hostOfEndpoint(engine.environment.DOCKER_HOST ?? (await contextEndpoint(engine, signal)));
  if (host === undefined) return { kind: "here" };
  const localAddress = await localAddressTowards(host);
  // One network namespace, as containers of one pod have.
  return localAddress === "127.0.0.1" || localAddress === "::1"
    ? { kind: "here" }
    : { kind: "elsewhere", host, localAddress };
}

/** `docker` of `tcp://docker:2376`, `build.example` of `ssh://ci@build.example`; undefined for sockets of this machine. */
export function hostOfEndpoint(endpoint: string): string | undefined {
  if (!/^(?:tcp|ssh|https?):\/\//.test(endpoint) || !URL.canParse(endpoint)) return undefined;
  // What no browser knows is left as it is written; a name has no case.
  const host = new URL(endpoint).hostname.toLowerCase().replace(/^\[|\]$/g, "");
  return host === "" ? undefined : host;
}

/** Addresses of this process that containers of the engine may reach, best first. */
export function addressesForNodes(
  place: EnginePlace,
  gateway: string | undefined,
  own: readonly string[] = ownAddresses(),
): readonly string[] {
  // Elsewhere a gateway may have the number of one of ours: it is tried last.
  const [first, last] = place.kind === "here" ? [gateway, undefined] : [place.localAddress, gateway];
  return [...new Set([first, ...own, last])].filter((address) => address !== undefined);
}

/** A datagram socket knows its own address once it knows the other's; it sends nothing. */
async function localAddressTowards(host: string): Promise<string | undefined> {
  const socket = createSocket(isIP(host) === 6 ? "udp6" : "udp4");
  try {
    const connected = once(socket, "connect");
    socket.connect(9, host);
    await connected;
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

async function contextEndpoint(engine: Engine, signal: AbortSignal | undefined): Promise<string> {
  const format = "{{.Endpoints.docker.Host}}";
  const asked = await engine.docker(["context", "inspect", "--format", format], { allowFailure: true, signal });
  return asked.exitCode === 0 ? asked.stdout.trim() : "";
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
}
