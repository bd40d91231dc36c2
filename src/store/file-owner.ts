import { randomBytes } from "node:crypto";
import {
  formatIdentity,
  type Liveness,
  liveness,
  type ProcessIdentity,
  parseIdentity,
} from "../process/process-identity.ts";

/** A new file name that tells whose the file is, so that a later process can remove what a killed one left. */
export function ownedFileName(owner: ProcessIdentity): string {
  return `${formatIdentity(owner).replaceAll("/", ",")},${randomBytes(8).toString("hex")}`;
}

/**
 * Whether the process still runs that a file belongs to by its name. A store may be shared over a network, so one of
 * another boot is "unknown", as those of other containers are, and names that nobody here gave.
 */
export async function ownerLiveness(fileName: string): Promise<Liveness> {
  const written = /^(.*),[0-9a-f]{16}$/.exec(fileName)?.[1];
  const owner = written === undefined ? undefined : parseIdentity(written.replaceAll(",", "/"));
  return owner === undefined ? "unknown" : liveness(owner, "unknown");
}
